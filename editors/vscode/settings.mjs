// Writes the server's settings into package.json, from the table in the README, which the server's own tests hold right:
// node settings.mjs. A test of the server (tests/it/vscode.rs) says when this has to be run.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MANIFEST = join(import.meta.dirname, "package.json");
const README = join(import.meta.dirname, "../../README.md");

/** What is another way here, and why. */
const HERE = {
  "items.enabled": { default: false, about: "Off here, since VS Code shows ghost text." },
};

/** Where a setting belongs, if not to the user: a file of a model lies on one machine. */
const SCOPES = { model: "machine-overridable", draft_model: "machine-overridable" };

/** Where text is sent, and with which key, is never for a folder's own settings to say: somebody else may have written them. */
const scope = (name) => SCOPES[name] ?? (name.startsWith("remote.") ? "machine" : undefined);

/** Returns what JSON schema has to say about values that the table describes with these words. */
function schema(expects) {
  const words = expects.replace(/ or null$/, "");
  const types = (type) => (words === expects ? type : [type, "null"]);
  const [, from, to] = /^a number from (\S+) to (\S+)$/.exec(words) ?? [];
  if (from !== undefined) {
    return { type: types("number"), minimum: Number(from), maximum: Number(to) };
  }
  if (words.startsWith('"')) {
    return { type: types("string"), enum: [...words.matchAll(/"([^"]*)"/g)].map(([, value]) => value) };
  }
  const known = {
    "true or false": { type: types("boolean") },
    "a whole number": { type: types("integer"), minimum: 0 },
    "a positive whole number": { type: types("integer"), minimum: 1 },
    "a string": { type: types("string") },
    "a list of strings": { type: types("array"), items: { type: "string" }, uniqueItems: true },
  }[words];
  if (known === undefined) {
    throw new Error(`settings.mjs: teach me what "${words}" is in a JSON schema`);
  }
  return known;
}

function property(row) {
  const [, name, preset, about, expects] = /^\| `(.+?)` \| `(.+?)` \| (.*) \(([^()]*)\) \|$/.exec(row) ?? [];
  const here = HERE[name];
  const value = {
    ...schema(expects),
    default: here?.default ?? JSON.parse(preset),
    markdownDescription: here === undefined ? about : `${about} ${here.about}`,
    ...(scope(name) === undefined ? {} : { scope: scope(name) }),
  };
  return [`infill-ls.${name}`, value];
}

const manifest = JSON.parse(readFileSync(MANIFEST, "utf8"));
const table = readFileSync(README, "utf8").split("<!-- settings -->\n")[1].split("<!-- /settings -->")[0];
const rows = table.trim().split("\n").slice(2).map(property);
const { configuration } = manifest.contributes;
const own = Object.entries(configuration.properties).filter(([name]) => name.startsWith("infill-ls.server."));
configuration.properties = Object.fromEntries(
  [...own, ...rows].map(([name, value], order) => [name, { ...value, order }]),
);
writeFileSync(MANIFEST, `${JSON.stringify(manifest, undefined, 2)}\n`);
