// The time on the wall: the server's, not that of a screen nobody sets. And the button for the whole screen.
export function startClock() {
  const { now, timeZone, past } = document.body.dataset;
  const place = document.querySelector("[data-wall-clock]");
  if (place && past === undefined) run(place, Date.parse(now) - Date.now(), timeZone);
  const button = document.querySelector("[data-fullscreen]");
  if (button && !document.fullscreenEnabled) button.remove();
  button?.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()));
}

function run(place, ahead, timeZone) {
  const language = document.documentElement.lang;
  const day = new Intl.DateTimeFormat(language, { timeZone, month: "long", day: "numeric", weekday: "short" });
  const time = new Intl.DateTimeFormat(language, { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const [date, clock] = [document.createElement("span"), document.createElement("b")];
  place.replaceChildren(date, clock);
  const show = () => {
    const moment = new Date(Date.now() + ahead);
    date.textContent = day.format(moment);
    clock.textContent = time.format(moment);
    place.dateTime = moment.toISOString();
    setTimeout(show, 1000 - (moment.getTime() % 1000));
  };
  show();
}
