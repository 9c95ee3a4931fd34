/**
 * All findings, in the order in which they are shown: first which engine workers would have, then
 * how far limits carry, then the network. Without a configuration the defaults are judged.
 */
import type { Config, IoChoice } from "../config/config.ts";
import { judgeEngine } from "./engine_rules.ts";
import type { Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { judgeHardening, judgeUser } from "./hardening_rules.ts";
import { judgeNetwork } from "./network_rules.ts";
import { judgeResources } from "./resource_rules.ts";

/** @param io of the configuration, unless the environment has another. */
export function judgeFacts(
  facts: Facts,
  config: Config | null,
  io: IoChoice = config?.io ?? "auto",
): Finding[] {
  const usesUring = io !== "epoll" && "features" in facts.uring;
  return [
    ...judgeEngine(facts, io),
    judgeHardening(facts, config?.hardening ?? true),
    judgeUser(facts, config?.user ?? null),
    ...judgeResources(facts, config, usesUring),
    ...judgeNetwork(facts, config),
  ];
}
