import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";
import proxyAddr from "proxy-addr";

/** Tells whether an address is that of a proxy that is believed, so many hops away; Express makes it of `trust proxy`. */
export type TrustProxy = (address: string, hop: number) => boolean;

/**
 * The network that a client's share is counted for: its IPv4 address, or the first half of its IPv6 address, of which a
 * single client has all the rest.
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
