// The big screen: figures that count up, a curve and a map, fetched anew only when what they show has changed.
import { startClock } from "../wall/clock.js";
import { startCurve } from "../wall/curve.js";
import { startFollow } from "../wall/follow.js";
import { startMap } from "../wall/map.js";

for (const start of [startClock, startFollow, startCurve, startMap]) start();
