// Builds front/entries/* into bihuan/web/static/dist/ and the icons named in front/icons.txt into one sprite.
import { build, context } from "esbuild";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "../bihuan/web/static/dist");
const tabler = path.join(here, "../node_modules/@tabler/icons/icons");
const watch = process.argv.includes("--watch");

async function symbol(name) {
  const [folder, file] = name.endsWith("-filled") ? ["filled", name.slice(0, -7)] : ["outline", name];
  const svg = await readFile(path.join(tabler, folder, `${file}.svg`), "utf8");
  const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  const drawn = shapes.replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "").replace(/\s+/g, " ").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24"${folder === "filled" ? ' fill="currentColor" stroke="none"' : ""}>${drawn}</symbol>`;
}

async function sprite() {
  const names = (await readFile(path.join(here, "icons.txt"), "utf8")).split("\n").filter(Boolean);
  const symbols = await Promise.all(names.map(symbol));
  await writeFile(path.join(dist, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`);
}

const entries = (await readdir(path.join(here, "entries"))).filter((name) => /\.(js|css)$/.test(name));
const options = {
  entryPoints: entries.map((name) => path.join(here, "entries", name)),
  outdir: dist, bundle: true, format: "iife", minify: !watch, logLevel: "info", legalComments: "none",
  target: ["chrome99", "safari15.4", "firefox97"],
  loader: { ".png": "file" }, assetNames: "[name]", define: { "process.env.NODE_ENV": '"production"' },
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await Promise.all([sprite(), cp(path.join(here, "art"), dist, { recursive: true })]);
if (watch) await (await context(options)).watch();
else await build(options);
