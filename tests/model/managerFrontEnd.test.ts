import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { frontEndConfig, openManagerVersions } from "../../model/managerFrontEnd.ts";
import { supportedManagerVersions } from "../../model/managerSchemas/index.ts";

const config = frontEndConfig("demo");

/** The blocks of a server as nginx reads them: without comments, each with its head and what it does. */
function locations(): { head: string; body: string }[] {
  const plain = config.replace(/^\s*#.*$/gm, "");
  return [...plain.matchAll(/(location|if) (.+?) \{\s*([^}]*)\}/g)].map(([, kind = "", head = "", body = ""]) => ({
    head: `${kind} ${head}`,
    body: body.trim().replace(/\s+/g, " "),
  }));
}

/** What nginx answers by itself: regular expressions go before prefixes, on the decoded and normalised path. */
function refused(path: string, raw = path): boolean {
  return locations().some(({ head, body }) => {
    if (body !== "return 403;") return false;
    const [, kind = "", modifier = "", pattern = ""] =
      /^(location|if) (~\*?|\(\$request_uri ~) "?(.+?)"?\)?$/.exec(head) ?? [];
    const expression = new RegExp(pattern, modifier === "~*" ? "i" : "");
    return expression.test(kind === "if" ? raw : path);
  });
}

describe("the manager's front end", () => {
  test("is the image's own but for what it refuses", () => {
    const to = (body: string) =>
      locations()
        .filter((location) => location.body === body)
        .map(({ head }) => head);
    assert.deepEqual(to("proxy_pass http://localhost:7750;"), [
      "location /admin",
      "location /pulsar-manager",
      "location /lookup",
      "location /bkvm",
    ]);
    assert.deepEqual(to("root /usr/share/nginx/html; index index.html index.htm;"), ["location /"]);
    assert.equal(to("return 403;").length, 4);
  });

  test("listens on IPv4 and on the addresses of its pod, and not on [::], which a kernel without IPv6 does not have", () => {
    const listens = [...config.matchAll(/^\s*listen\s+(\S+);$/gm)].map(([, address]) => address);
    assert.deepEqual(listens, ["9527", "demo-pulsar-pulsar-manager-0:9527"]);
  });

  for (const path of [
    "/pulsar-manager/users/superuser",
    "/pulsar-manager/users/SuperUser/",
    "/pulsar-manager/users;v=1/superuser",
    "/admin/..;/pulsar-manager/users/superuser",
    "/lookup/..;/zuul/admin/v2/tenants",
    "/pulsar-manager/casdoor",
    "/pulsar-manager\\users",
    "/pulsar-manager/users\n",
  ]) {
    test(`refuses ${JSON.stringify(path)}`, () => {
      assert.ok(refused(path));
    });
  }

  test("refuses a path that goes on behind a #", () => {
    assert.ok(refused("/pulsar-manager/", "/pulsar-manager/#/../users/superuser"));
  });

  for (const path of [
    "/",
    "/static/js/app.js",
    "/pulsar-manager/login",
    "/pulsar-manager/users",
    "/admin/v2/persistent/a/b/c",
  ]) {
    test(`lets ${path} through`, () => {
      assert.ok(!refused(path));
    });
  }
});

test("every version that lets anybody make an account is one that is supported", () => {
  for (const version of openManagerVersions) assert.ok(supportedManagerVersions.includes(version));
});
