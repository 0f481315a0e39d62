import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { readEnv } from "@syncline/kit/process";
import { postgresEnv } from "@syncline/store";
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

/** The Secrets of k8s/README.md that the operator creates, with values that pass the check at start. */
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
  migrate: z.object(postgresEnv),
};
/** Variables of libraries, which our schemas do not read. */
const FOREIGN_VARIABLE = /^(OTEL_|NODE_EXTRA_CA_CERTS$)/;
/**
 * The maximum memory of a hook's process, as tests/e2e/policies.test.ts measures it, and of the conflict service
 * itself.
 */
const HOOK_PROCESS_MIB = 256;
const CONFLICT_MIB = 512;
/** The maximum time of a process's own stop, with a margin. */
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

/** Renders production with one line of its kustomization.yaml changed, as an operator would change it. */
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
  /** True if a selector matches any pod; an empty one matches all. */
  const finds = (labels: Record<string, string> = {}) =>
    podLabels.some((pod) => Object.entries(labels).every(([name, value]) => pod[name] === value));

  it("conforms to the schemas of Kubernetes and of the custom resources, including the name of each field", async () => {
    expect(await findSchemaFaults(manifests)).toEqual([]);
  });

  it("runs every container without privileges: no root, no capability, no writable file system, no token", () => {
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

  it("holds no secret, and reads only the Secrets that k8s/README.md lists", () => {
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
    "gives %s an environment that it starts with, a database role of its own, and no unread variable",
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

  it("gives both token secrets, the previous one too, to the services that check tokens, and requires neither", () => {
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

  it("trusts one proxy for the client's address behind an ingress, and otherwise none", () => {
    const ingest = containers.find(({ name }) => name === "syncline-ingest")?.container;
    const env = environmentOf(ingest, ofKind<IConfigMap>("ConfigMap"));
    expect(env["TRUST_PROXY"]).toBe(ofKind("Ingress").length > 0 ? "1" : undefined);
  });

  it("has memory for hooks at their maximum, in as many processes as can run at once", () => {
    const container = containers.find(({ name }) => name === "syncline-conflict")?.container;
    const env = readEnv(conflictEnv, environmentOf(container, ofKind<IConfigMap>("ConfigMap")));
    const limit = String(container?.resources?.limits?.["memory"]);
    expect(limit).toMatch(/^\d+Mi$/);
    expect(Number.parseInt(limit)).toBeGreaterThanOrEqual(
      CONFLICT_MIB + env.CONFLICT_CONCURRENCY * HOOK_PROCESS_MIB,
    );
  });

  it("gives every service time to stop by itself, a probe of each kind on a port that it has, and its replacement first", () => {
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

  it("names only existing pods, services and ports", () => {
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

  it("lets no traffic in or out by default", () => {
    expect(ofKind<INetworkPolicy>("NetworkPolicy").map(({ spec }) => spec)).toContainEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
  });
});

it("scales the workers by one autoscaler, without a replica count that an apply would reset", () => {
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

it("has Redis refuse writes before its container is killed, also while it rewrites its log", () => {
  const redis = manifestsByOverlay["dev"]?.find(
    ({ kind, metadata }) => kind === "StatefulSet" && metadata.name === "redis",
  ) as (Manifest & IStatefulSet) | undefined;
  const [container] = redis?.spec?.template.spec?.containers ?? [];
  const limit = String(container?.resources?.limits?.["memory"]);
  const maxmemory = /--maxmemory (\d+)mb /.exec(container?.args?.join(" ") ?? "")?.[1];
  expect(limit).toMatch(/^\d+Mi$/);
  expect(Number(maxmemory)).toBeLessThanOrEqual(Number.parseInt(limit) / 2);
});

it("detects a field that is missing, of another type, or misspelled", async () => {
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

/** The environment of a container's process. */
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
