// The centre's desk: walking the queue by keys, and which row is in hand.
import { startQueue } from "../js/queue.js";

startQueue();
