import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { commonEnv, readEnv } from "@syncline/runtime";
import type { IDeployment, IStatefulSet } from "kubernetes-models/apps/v1";
import type { IJob } from "kubernetes-models/batch/v1";
import type { IIngress, INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1";
import type { IConfigMap, IContainer, IService } from "kubernetes-models/v1";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { envSchema as conflictEnv } from "../services/conflict/src/env.ts";
import { envSchema as ingestEnv } from "../services/ingest/src/env.ts";
import { envSchema as workerEnv } from "../services/worker/src/env.ts";
import { findSchemaFaults } from "./testing/check-schema.ts";
import { MANIFESTS, render, type Manifest } from "./testing/render.ts";

type Workload = IDeployment | IStatefulSet | IJob;

/** What the Secrets hold that whoever deploys makes, as k8s/README.md says, with values that a start would accept. */
const databaseUrl = (role: string) =>
  `postgres://syncline_${role}:secret@postgres.example.com:5432/syncline?sslmode=verify-full`;
const SECRETS: Record<string, Record<string, string>> = {
  syncline: {
    MIGRATE_DATABASE_URL: databaseUrl("migrate"),
    INGEST_DATABASE_URL: databaseUrl("ingest"),
    CONFLICT_DATABASE_URL: databaseUrl("conflict"),
    WORKER_DATABASE_URL: databaseUrl("worker"),
    REDIS_URL: "rediss://:secret@redis.example.com:6379/0",
    JWT_SECRET: randomBytes(24).toString("hex"),
    JWT_SECRET_PREVIOUS: randomBytes(24).toString("hex"),
    POSTGRES_PASSWORD: "secret",
    REDIS_PASSWORD: "secret",
    SYNCLINE_MIGRATE_PASSWORD: "secret",
    SYNCLINE_INGEST_PASSWORD: "secret",
    SYNCLINE_CONFLICT_PASSWORD: "secret",
    SYNCLINE_WORKER_PASSWORD: "secret",
  },
  "syncline-store-ca": { "ca.crt": "" },
  "syncline-tls": { "tls.crt": "", "tls.key": "" },
};
const ENV_SCHEMAS = {
  ingest: ingestEnv,
  conflict: conflictEnv,
  worker: workerEnv,
  migrate: z.object({ DATABASE_URL: commonEnv.DATABASE_URL }),
};
/** What others than our own schemas read. */
const FOREIGN_VARIABLE = /^(OTEL_|NODE_EXTRA_CA_CERTS$)/;
/** What a hook's process takes at most, as tests/e2e/policies.test.ts sees, and what the conflict service itself does. */
const HOOK_PROCESS_MIB = 256;
const CONFLICT_MIB = 512;
/** What a process takes at most to end by itself, and some room. */
const STOP_SECONDS = 25 + 5;

const manifestsByOverlay: Record<string, Manifest[]> = {
  dev: render("overlays/dev"),
  production: render("overlays/production"),
  "production with the HPA": renderProduction(
    "- ../../components/worker-keda",
    "- ../../components/worker-hpa",
  ),
  "production on a Redis Cluster": renderProduction(
    "# - ../../components/redis-cluster",
    "- ../../components/redis-cluster",
  ),
};

/** As a reader of production/kustomization.yaml would change it. */
function renderProduction(line: string, changed: string): Manifest[] {
  const copy = mkdtempSync(join(tmpdir(), "syncline-k8s-"));
  try {
    cpSync(MANIFESTS, copy, { recursive: true });
    const path = join(copy, "overlays/production/kustomization.yaml");
    const text = readFileSync(path, "utf8");
    expect(text).toContain(line);
    writeFileSync(path, text.replace(line, changed));
    return render("overlays/production", copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

describe.for(Object.entries(manifestsByOverlay))("%s", ([, manifests]) => {
  const ofKind = <T>(...kinds: string[]) =>
    manifests.filter(({ kind }) => kinds.includes(kind)) as (Manifest & T)[];
  const workloads = ofKind<Workload>("Deployment", "StatefulSet", "Job");
  const podLabels = workloads.map(({ spec }) => spec?.template.metadata?.labels ?? {});
  const containers = workloads.flatMap(({ metadata, spec }) =>
    (spec?.template.spec?.containers ?? []).map((container) => ({ name: metadata.name, container })),
  );
  /** Whether there are pods that a selector finds; what says nothing finds all. */
  const finds = (labels: Record<string, string> = {}) =>
    podLabels.some((pod) => Object.entries(labels).every(([name, value]) => pod[name] === value));

  it("is what the schemas of Kubernetes and of the custom resources ask for, down to the name of each field", async () => {
    expect(await findSchemaFaults(manifests)).toEqual([]);
  });

  it("runs everything without rights: no root, no capability, no file of its own to write, no token", () => {
    for (const { metadata, spec } of workloads) {
      const pod = spec?.template.spec;
      expect(pod, metadata.name).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      expect(pod?.initContainers).toBeUndefined();
    }
    for (const { name, container } of containers) {
      expect(container.securityContext, name).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(container.resources, name).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
    }
  });

  it("holds no secret, and asks Secrets for nothing but what k8s/README.md says", () => {
    expect(ofKind("Secret")).toEqual([]);
    for (const { container } of containers) {
      for (const { valueFrom } of container.env ?? []) {
        if (valueFrom?.secretKeyRef === undefined) continue;
        const { name = "", key } = valueFrom.secretKeyRef;
        expect(Object.keys(SECRETS[name] ?? {}), name).toContain(key);
      }
    }
    const mounted = workloads
      .flatMap(({ spec }) => spec?.template.spec?.volumes ?? [])
      .map(({ secret }) => secret?.secretName);
    const named = ofKind<IIngress>("Ingress")
      .flatMap(({ spec }) => spec?.tls ?? [])
      .map(({ secretName }) => secretName);
    for (const name of [...mounted, ...named])
      if (name !== undefined) expect(Object.keys(SECRETS)).toContain(name);
  });

  it.for(Object.entries(ENV_SCHEMAS))(
    "gives %s an environment that it starts with, a database role of its own, and no variable that nobody reads",
    ([service, schema]) => {
      const container = containers.find(({ name }) => name === `syncline-${service}`)?.container;
      const env = environmentOf(container, ofKind<IConfigMap>("ConfigMap"));
      expect(() => readEnv(schema, env)).not.toThrow();
      expect(new URL(env["DATABASE_URL"] ?? "").username, "the role").toBe(`syncline_${service}`);
      const unknown = Object.keys(env).filter(
        (name) => !(name in schema.shape) && !FOREIGN_VARIABLE.test(name),
      );
      expect(unknown).toEqual([]);
    },
  );

  it("gives both secrets of tokens to who checks them, the one before too, and needs neither", () => {
    for (const service of ["ingest", "conflict"]) {
      const container = containers.find(({ name }) => name === `syncline-${service}`)?.container;
      for (const name of ["JWT_SECRET", "JWT_SECRET_PREVIOUS"]) {
        expect(container?.env, service).toContainEqual({
          name,
          valueFrom: { secretKeyRef: { name: "syncline", key: name, optional: true } },
        });
      }
    }
  });

  it("believes one proxy about who asked where an ingress stands in front, and else none", () => {
    const ingest = containers.find(({ name }) => name === "syncline-ingest")?.container;
    const env = environmentOf(ingest, ofKind<IConfigMap>("ConfigMap"));
    expect(env["TRUST_PROXY"]).toBe(ofKind("Ingress").length > 0 ? "1" : undefined);
  });

  it("has room for hooks that take all that they may, in as many processes as there can be", () => {
    const container = containers.find(({ name }) => name === "syncline-conflict")?.container;
    const env = readEnv(conflictEnv, environmentOf(container, ofKind<IConfigMap>("ConfigMap")));
    const limit = String(container?.resources?.limits?.["memory"]);
    expect(limit).toMatch(/^\d+Mi$/);
    expect(Number.parseInt(limit)).toBeGreaterThanOrEqual(
      CONFLICT_MIB + env.CONFLICT_CONCURRENCY * HOOK_PROCESS_MIB,
    );
  });

  it("gives every service time to end by itself, a probe of each kind on a port that it has, and what replaces it first", () => {
    const deployments = ofKind<IDeployment>("Deployment");
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual([
      "syncline-conflict",
      "syncline-ingest",
      "syncline-worker",
    ]);
    for (const { metadata, spec } of deployments) {
      const pod = spec?.template.spec;
      const container = pod?.containers[0];
      expect(pod?.terminationGracePeriodSeconds, metadata.name).toBeGreaterThanOrEqual(STOP_SECONDS);
      const ports = container?.ports?.map(({ name }) => name);
      const probes = [container?.startupProbe, container?.livenessProbe, container?.readinessProbe];
      expect(probes.map((probe) => probe?.httpGet?.path)).toEqual(["/healthz", "/healthz", "/readyz"]);
      for (const probe of probes) expect(ports).toContain(probe?.httpGet?.port);
      expect(spec?.strategy?.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    }
  });

  it("names only pods, services and ports that there are", () => {
    for (const { metadata, spec } of ofKind<IService>("Service"))
      expect(finds(spec?.selector), metadata.name).toBe(true);
    const budgets = ofKind<IPodDisruptionBudget>("PodDisruptionBudget");
    expect(budgets).toHaveLength(3);
    for (const { metadata, spec } of budgets)
      expect(finds(spec?.selector?.matchLabels), metadata.name).toBe(true);
    for (const { spec } of ofKind<IIngress>("Ingress")) {
      for (const { backend } of spec?.rules?.flatMap(({ http }) => http?.paths ?? []) ?? []) {
        const service = ofKind<IService>("Service").find(
          ({ metadata }) => metadata.name === backend.service?.name,
        );
        expect(service?.spec?.ports?.map(({ name }) => name)).toContain(backend.service?.port?.name);
      }
    }
    for (const { metadata, spec } of ofKind<INetworkPolicy>("NetworkPolicy")) {
      expect(finds(spec?.podSelector?.matchLabels), metadata.name).toBe(true);
      const peers = [
        ...(spec?.ingress ?? []).flatMap(({ from }) => from ?? []),
        ...(spec?.egress ?? []).flatMap(({ to }) => to ?? []),
      ];
      for (const { podSelector } of peers) expect(finds(podSelector?.matchLabels), metadata.name).toBe(true);
    }
  });

  it("lets nothing in or out by default", () => {
    expect(ofKind<INetworkPolicy>("NetworkPolicy").map(({ spec }) => spec)).toContainEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
  });
});

it("scales the workers by one of both, and gives them no number that an apply would set back", () => {
  for (const [overlay, kind] of [
    ["production", "ScaledObject"],
    ["production with the HPA", "HorizontalPodAutoscaler"],
  ] as const) {
    const manifests = manifestsByOverlay[overlay] ?? [];
    const scalers = manifests.filter((each) => /ScaledObject|HorizontalPodAutoscaler/.test(each.kind));
    expect(scalers).toMatchObject([{ kind, spec: { scaleTargetRef: { name: "syncline-worker" } } }]);
    const worker = manifests.find(
      (each) => each.kind === "Deployment" && each.metadata.name === "syncline-worker",
    );
    expect(worker).not.toHaveProperty("spec.replicas");
    // Prometheus knows more namespaces than this one.
    const [trigger] = (scalers as (Manifest & IScaledObject)[])[0]?.spec?.triggers ?? [];
    if (trigger) expect(trigger.metadata["query"]).toContain(`{namespace="${worker?.metadata.namespace}"}`);
  }
});

it("has Redis refuse before its container is ended, while it rewrites its log, too", () => {
  const redis = manifestsByOverlay["dev"]?.find(
    ({ kind, metadata }) => kind === "StatefulSet" && metadata.name === "redis",
  ) as (Manifest & IStatefulSet) | undefined;
  const [container] = redis?.spec?.template.spec?.containers ?? [];
  const limit = String(container?.resources?.limits?.["memory"]);
  const maxmemory = /--maxmemory (\d+)mb /.exec(container?.args?.join(" ") ?? "")?.[1];
  expect(limit).toMatch(/^\d+Mi$/);
  expect(Number(maxmemory)).toBeLessThanOrEqual(Number.parseInt(limit) / 2);
});

it("is told of a field that is missing, of another type, or misspelled", async () => {
  const deployment = manifestsByOverlay["dev"]?.find(({ kind }) => kind === "Deployment") as Manifest &
    IDeployment;
  const faultsWith = (change: object) =>
    findSchemaFaults([{ ...deployment, spec: { ...deployment.spec, ...change } } as Manifest]);
  expect(await faultsWith({})).toEqual([]);
  expect(await faultsWith({ selector: undefined })).toContainEqual(
    expect.stringContaining("required property selector"),
  );
  expect(await faultsWith({ replicas: "2" })).toContainEqual(
    expect.stringContaining("replicas must be integer"),
  );
  expect(await faultsWith({ minReadySecs: 5 })).toEqual([
    expect.stringMatching(/^Deployment syncline-conflict: .*"minReadySecs"' does not exist/),
  ]);
});

/** What a container's process finds in its environment. */
function environmentOf(
  container: IContainer | undefined,
  configMaps: readonly (Manifest & IConfigMap)[],
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { configMapRef } of container?.envFrom ?? []) {
    const configMap = configMaps.find(({ metadata }) => metadata.name === configMapRef?.name);
    expect(configMap, configMapRef?.name).toBeDefined();
    Object.assign(env, configMap?.data);
  }
  for (const { name, value, valueFrom } of container?.env ?? []) {
    const { name: secret = "", key = "" } = valueFrom?.secretKeyRef ?? {};
    env[name] = value ?? SECRETS[secret]?.[key] ?? "";
  }
  return env;
}
