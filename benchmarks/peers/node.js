// The readers in JavaScript: node.js NAME. The protocol is told in __init__.py.
const fs = require("fs");
const readline = require("readline");

const readers = {
  baunsu(Baunsu) {
    return (raw) => new Baunsu().detectSync(raw).bounced;
  },
  "email-bounce-parser"(Parser) {
    return (raw) => new Parser().read(raw.toString("utf8")).data?.recipient; // its `bounce` is true of any text
  },
};

const name = process.argv[2];
const read = readers[name](require(name));
const { version } = require(`${name}/package.json`);
const sets = {};
const load = (path) =>
  fs.readFileSync(path, "utf8").trimEnd().split("\n").map((file) => fs.readFileSync(file));

console.log(JSON.stringify({ name: `${name} ${version}` }));
readline.createInterface({ input: process.stdin }).on("line", (path) => {
  const texts = (sets[path] ??= load(path));
  const faults = {};
  let found = 0;
  const start = process.cpuUsage(); // of all its threads, the compiler's too
  for (const raw of texts) {
    try {
      found += read(raw) ? 1 : 0;
    } catch (error) {
      faults[error.name] = (faults[error.name] ?? 0) + 1;
    }
  }
  const { user, system } = process.cpuUsage(start);
  console.log(JSON.stringify({ cpu: (user + system) / 1e6, found, faults }));
});
