// Maps that need no tile server: outlines from our own GeoJSON, a pin to set or to show. See templates/parts/map.html.
import L from "leaflet";

const { each, toast, word } = window.bihuan;
const CHINA = [[18, 73], [53.6, 135]];
const pinIcon = (tone = "") => L.divIcon({ className: `pin ${tone}`, iconSize: [24, 32], iconAnchor: [12, 30] });

function enliven(box) {
  const field = (name) => box.querySelector(`[data-map-${name}]`);
  const value = (name) => parseFloat(field(name)?.value ?? field(name)?.dataset.value ?? "");
  const canvas = field("canvas");
  canvas.replaceChildren();
  const map = L.map(canvas, { zoomSnap: 0.5, minZoom: 3, maxZoom: 19, scrollWheelZoom: box.dataset.map !== "pick" });
  map.attributionControl.setPrefix(false);
  if (box.dataset.tiles) L.tileLayer(box.dataset.tiles, { maxZoom: 18 }).addTo(map);
  map.fitBounds(CHINA);
  const pin = { marker: null };
  const put = (point) => {
    if (pin.marker) pin.marker.setLatLng(point);
    else pin.marker = L.marker(point, { icon: pinIcon(), alt: word("newPin"), keyboard: false }).addTo(map);
  };
  if (!Number.isNaN(value("lat"))) { put([value("lat"), value("lng")]); map.setView([value("lat"), value("lng")], 16); }
  draw(map, box, pin);
  if (box.dataset.map === "pick") picking(map, field, put);
  new ResizeObserver(() => map.invalidateSize()).observe(canvas);
}

async function draw(map, box, pin) {
  const fetched = async (url) => (url ? (await fetch(url, { credentials: "same-origin" })).json() : null);
  const [areas, points] = await Promise.all([fetched(box.dataset.geojson), fetched(box.dataset.pins)]);
  if (areas) {
    const layer = L.geoJSON(areas, { style: (one) => ({ className: `area ${one.properties?.tone ?? ""}` }), onEachFeature: name }).addTo(map);
    const bounds = layer.getBounds();
    if (bounds.isValid()) {
      map.fitBounds(pin.marker ? around(layer, pin.marker) ?? bounds : bounds, { padding: [12, 12], maxZoom: 17, animate: false });
      map.setMaxBounds(bounds.pad(1)); // after: on the way from the whole country it would pull the view aside
    }
  }
  if (points) L.geoJSON(points, { pointToLayer: (one, at) => L.marker(at, { icon: pinIcon(one.properties?.tone), alt: one.properties?.name ?? "" }), onEachFeature: name }).addTo(map);
}

// The outline that holds the pin (by its box, which is enough to choose a view).
function around(layer, marker) {
  const holds = layer.getLayers().find((one) => one.getBounds().contains(marker.getLatLng()));
  return holds?.getBounds().pad(0.3);
}

function name(feature, layer) {
  const { name: text, url } = feature.properties ?? {};
  if (text) layer.bindTooltip(Object.assign(document.createElement("span"), { textContent: text }), { sticky: true });
  if (url) layer.on("click", () => location.assign(url));
}

function picking(map, field, put) {
  const choose = (point, words) => {
    put(point);
    field("lat").value = point.lat.toFixed(6);
    field("lng").value = point.lng.toFixed(6);
    field("words").textContent = words;
    field("lng").dispatchEvent(new Event("change", { bubbles: true }));
  };
  map.on("click", (event) => choose(event.latlng, word("newPin")));
  const locate = field("locate");
  if (!navigator.geolocation || !window.isSecureContext) return;
  locate.hidden = false;
  locate.addEventListener("click", () => {
    field("words").textContent = word("locating");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => { const point = L.latLng(coords.latitude, coords.longitude); map.setView(point, 17); choose(point, word("newPin")); },
      () => { field("words").textContent = ""; toast(word("noLocation"), "warn"); },
      { enableHighAccuracy: true, timeout: 10000, maximumAge: 60000 },
    );
  });
}

each("[data-map]", enliven);
