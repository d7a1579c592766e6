// Runs the README's JavaScript in a page of Chromium: uploads a file with it and prints every event that it shows, as JSON.
// Arguments: the API's URL, a token, the path of a JPEG.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { open } from "./chromium.mjs";

const [api, token, photo] = process.argv.slice(2);
const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
const [, code] = readme.match(/```js\n([\s\S]*?)```/) ?? [];
if (!code) throw new Error("README.md has no block of JavaScript");
const local = '"http://127.0.0.1:8787"';
if (!code.includes(local)) throw new Error(`README.md's JavaScript does not name ${local}`);

const files = { "/": ["text/html", "<!doctype html><title>readme</title>"], "/photo.jpg": ["image/jpeg", await readFile(photo)] };
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ["text/plain", ""];
  response.writeHead(200, { "content-type": type });
  response.end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await open();
try {
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  const events = await tab.evaluate(`(async () => {
    const token = ${JSON.stringify(token)};
    ${code.replace(local, JSON.stringify(api))}
    const bytes = await (await fetch("/photo.jpg")).blob();
    const seen = [];
    await new Promise((resolve, reject) => {
      const show = (event) => {
        seen.push(event);
        if (event.type !== "processing_progress") resolve();
      };
      upload(new File([bytes], ${JSON.stringify(basename(photo))}, { type: "image/jpeg" }), show).catch(reject);
      setTimeout(() => reject(new Error("no end within a minute: " + JSON.stringify(seen))), 60000);
    });
    return seen;
  })()`);
  console.log(JSON.stringify(events));
} finally {
  await browser.close();
  server.close();
}
