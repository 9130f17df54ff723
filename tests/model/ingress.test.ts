import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { backends, type IngressPath, hasTls } from "../../model/ingress.ts";

/** Whether an Ingress controller allows a path, by the rules of Kubernetes (networking.k8s.io/v1, HTTPIngressPath). */
function letsIn(paths: readonly IngressPath[], path: string): boolean {
  const segments = (text: string) => text.split("/").filter((segment) => segment !== "");
  return paths.some((rule) => {
    if (rule.pathType === "Exact") return rule.path === path;
    const [wanted, given] = [segments(rule.path), segments(path)];
    return wanted.every((segment, i) => given[i] === segment);
  });
}

/** A path as controllers match it: decoded, without query, with `.` and `..` resolved and repeated slashes merged (nginx, Envoy, Traefik). */
function normalized(raw: string): string {
  const [path = ""] = raw.split(/[?#]/);
  const done: string[] = [];
  for (const segment of decodeURIComponent(path).split("/")) {
    if (segment === "..") done.pop();
    else if (segment !== "" && segment !== ".") done.push(segment);
  }
  return `/${done.join("/")}${/\/\.{0,2}$/.test(path) && done.length > 0 ? "/" : ""}`;
}

describe("the manager's host", () => {
  const { paths } = backends.manager;

  // From front-end/src/api and front-end/build/webpack.prod.conf.js of v0.2.0 and v0.4.0.
  const both = [
    "/",
    "/favicon.ico",
    "/static/js/app.8a1f.js",
    "/static/css/app.css",
    "/static/fonts/element-icons.woff",
    "/pulsar-manager/csrf-token",
    "/pulsar-manager/login",
    "/pulsar-manager/logout",
    "/pulsar-manager/users",
    "/pulsar-manager/users/user",
    "/pulsar-manager/users/userInfo",
    "/pulsar-manager/tokens",
    "/pulsar-manager/tokens/token",
    "/pulsar-manager/tokens/orders",
    "/pulsar-manager/environments",
    "/pulsar-manager/environments/environment",
    "/pulsar-manager/api/v1/bookies/pulsar",
    "/pulsar-manager/api/v1/bookies/heartbeat/bookie-0",
    "/pulsar-manager/admin/v2/clusters",
    "/pulsar-manager/admin/v2/persistent/t/n/topic/subscription/s/1",
    "/admin/v2/tenants/orders",
    "/admin/v3/functions/t/n",
    "/lookup/v2/topic/persistent/t/n/topic",
  ];
  const old = ["/pulsar-manager/roles/role", "/pulsar-manager/role/resourceType", "/pulsar-manager/role-binding/a/b"];
  for (const path of [...both, ...old]) {
    test(`allows the page's request for ${path}`, () => {
      assert.ok(letsIn(paths, normalized(path)));
    });
  }

  const word = "/pulsar-manager/users/superuser";
  for (const raw of [
    word,
    `${word}/`,
    `${word}/x`,
    `${word}?x=1`,
    `${word};x=1`,
    `${word}.json`,
    `${word}%2f`,
    `${word}%20`,
    "/pulsar-manager/users/SuperUser",
    "/pulsar-manager/users/%73uperuser",
    "/pulsar-manager/users/user/../superuser",
    "/pulsar-manager/users/userInfo/%2e%2e/superuser",
    "/pulsar-manager/users/./superuser",
    "//pulsar-manager//users//superuser",
    "/pulsar-manager%2fusers%2fsuperuser",
    "/pulsar-manager;x/users;y/superuser",
    "/pulsar-manager/users/user;x/superuser",
    "/pulsar-manager/login/../users/superuser",
    "/admin/../pulsar-manager/users/superuser",
    "/admin/%2e%2e/pulsar-manager/users/superuser",
    "/lookup/v2/../../pulsar-manager/users/superuser",
    "/static/..%2fpulsar-manager/users/superuser",
    "/PULSAR-MANAGER/users/superuser",
    // Other paths that need no login or bypass the manager.
    "/pulsar-manager/casdoor",
    "/pulsar-manager/third-party-login/callback/github",
    "/bkvm",
    "/swagger-ui.html",
    "/v2/api-docs",
    "/zuul/admin/v2/clusters",
    "/actuator",
    "/administrator",
    "/staticfiles",
  ]) {
    test(`blocks ${raw}`, () => {
      assert.ok(!letsIn(paths, normalized(raw)), normalized(raw));
    });
  }

  test("cannot block a path that only the manager's Tomcat resolves to a blocked one; the manager's nginx does", () => {
    assert.ok(letsIn(paths, normalized("/admin/..;/pulsar-manager/users/superuser")));
  });
});

describe("the admin API's host", () => {
  const { paths } = backends.admin;
  for (const path of ["/admin/v2/tenants", "/admin/v3/functions/t/n", "/lookup/v2/topic/persistent/t/n/topic"]) {
    test(`allows ${path}`, () => {
      assert.ok(letsIn(paths, normalized(path)));
    });
  }
  for (const path of [
    "/",
    "/metrics",
    "/metrics/",
    "/admin/../metrics",
    "/status.html",
    "/proxy-stats",
    "/ws/v2/producer",
  ]) {
    test(`blocks ${path}`, () => {
      assert.ok(!letsIn(paths, normalized(path)));
    });
  }
});

test("a host has TLS from an existing Secret or from an issuer", () => {
  assert.equal(hasTls({}, {}), false);
  for (const host of [{ tlsSecret: "tls" }, {}]) {
    assert.equal(hasTls(host, { issuer: "ca" }), true);
    assert.equal(hasTls(host, { clusterIssuer: "ca" }), true);
  }
  assert.equal(hasTls({ tlsSecret: "tls" }, {}), true);
});
