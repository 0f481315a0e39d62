import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";
import proxyAddr from "proxy-addr";

/** True if an address, this many hops away, is a trusted proxy. Express derives it from `trust proxy`. */
export type TrustProxy = (address: string, hop: number) => boolean;

/**
 * The network that a client's share is counted for: its IPv4 address, or the /64 prefix of its IPv6 address, because
 * one client has the whole prefix.
 */
export function clientNetworkOf(request: IncomingMessage, trust: TrustProxy): string {
  return networkOf(proxyAddr(request, trust));
}

export function networkOf(address = ""): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`;
}
