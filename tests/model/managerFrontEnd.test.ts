import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { frontEndConfig, openManagerVersions } from "../../model/managerFrontEnd.ts";
import { supportedManagerVersions } from "../../model/managerSchemas/index.ts";

const config = frontEndConfig("demo");

/** The blocks of a server as nginx parses them: without comments, each with its header and content. */
function locations(): { head: string; body: string }[] {
  const plain = config.replace(/^\s*#.*$/gm, "");
  return [...plain.matchAll(/(location|if) (.+?) \{\s*([^}]*)\}/g)].map(([, kind = "", head = "", body = ""]) => ({
    head: `${kind} ${head}`,
    body: body.trim().replace(/\s+/g, " "),
  }));
}

/** The responses of nginx itself. Regular expressions have precedence over prefixes and match the decoded, normalized path. */
function refused(path: string, raw = path): boolean {
  return locations().some(({ head, body }) => {
    if (body !== "return 403;") return false;
    const [, kind = "", modifier = "", pattern = ""] =
      /^(location|if) (~\*?|\(\$request_uri ~) "?(.+?)"?\)?$/.exec(head) ?? [];
    const expression = new RegExp(pattern, modifier === "~*" ? "i" : "");
    return expression.test(kind === "if" ? raw : path);
  });
}

describe("the nginx configuration of the manager", () => {
  test("is that of the image, except for the refused paths", () => {
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

  test("listens on IPv4 and on the addresses of its pod, but not on [::], which a kernel without IPv6 lacks", () => {
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

  test("refuses a path that continues after a #", () => {
    assert.ok(refused("/pulsar-manager/", "/pulsar-manager/#/../users/superuser"));
  });

  for (const path of [
    "/",
    "/static/js/app.js",
    "/pulsar-manager/login",
    "/pulsar-manager/users",
    "/admin/v2/persistent/a/b/c",
  ]) {
    test(`allows ${path}`, () => {
      assert.ok(!refused(path));
    });
  }
});

test("every version that allows anonymous accounts is a supported version", () => {
  for (const version of openManagerVersions) assert.ok(supportedManagerVersions.includes(version));
});
