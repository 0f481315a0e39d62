import type { IncomingMessage } from "node:http";
import express from "express";
import { describe, expect, it } from "vitest";
import { clientNetworkOf, networkOf, type TrustProxy } from "./client-address.ts";

describe("the network of an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["unknown", "unknown"],
  ])("for %s is %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it("is empty without an address", () => {
    expect(networkOf(undefined)).toBe("");
  });
});

describe("the network of a client", () => {
  const networkBehind = (trusted: unknown, forwarded: string) => {
    const app = express().set("trust proxy", trusted);
    const request = { socket: { remoteAddress: "10.0.0.1" }, headers: { "x-forwarded-for": forwarded } };
    return clientNetworkOf(request as unknown as IncomingMessage, app.get("trust proxy fn") as TrustProxy);
  };

  it("is that of the connection, unless a trusted proxy names another", () => {
    expect(networkBehind(false, "192.0.2.7")).toBe("10.0.0.1");
    expect(networkBehind(1, "203.0.113.9, 192.0.2.7")).toBe("192.0.2.7");
    expect(networkBehind("10.0.0.0/8", "192.0.2.7")).toBe("192.0.2.7");
    expect(networkBehind("10.9.0.0/16", "192.0.2.7")).toBe("10.0.0.1");
  });
});
