import { IMAGES } from "./images.ts";
import { INITDB_LOCALE, POSTGRES_CONNECTIONS_MAX } from "./local-postgres.ts";
import { REDIS_CONFIG } from "./local-redis.ts";
import type { ContainerEngine } from "./pick-test-stack.ts";

/** The stores in containers: their URLs, and a function that stops them. */
export interface ContainerStores {
  readonly databaseServerUrl: string;
  readonly redisUrl: string;
  readonly stop: () => Promise<void>;
}

/** Loaded on demand, because testcontainers is slow to load. */
async function loadTestcontainers() {
  process.env["RYUK_CONTAINER_IMAGE"] ??= IMAGES.reaper;
  return await import("testcontainers");
}

/**
 * Connects to the container engine.
 *
 * @throws if no container engine answers
 */
export async function connectContainerEngine(): Promise<ContainerEngine> {
  const { getContainerRuntimeClient, ImageName } = await loadTestcontainers();
  const { image } = await getContainerRuntimeClient();
  return {
    hasImage: (name) => image.exists(ImageName.fromString(name)),
    pullImage: (name) => image.pull(ImageName.fromString(name)),
  };
}

/** Starts both stores with the configuration of the local ones. */
export async function startContainerStores(): Promise<ContainerStores> {
  const { GenericContainer, Wait } = await loadTestcontainers();
  const password = "syncline";
  const redisArgs = Object.entries(REDIS_CONFIG).flatMap(([name, value]) => [`--${name}`, value]);
  const started = await Promise.allSettled([
    new GenericContainer(IMAGES.postgres)
      .withEnvironment({
        POSTGRES_USER: "syncline",
        POSTGRES_PASSWORD: password,
        POSTGRES_INITDB_ARGS: INITDB_LOCALE.join(" "),
      })
      .withCommand(["postgres", "-c", `max_connections=${POSTGRES_CONNECTIONS_MAX}`])
      .withExposedPorts(5432)
      // The image starts the server once to initialize it, and then again permanently.
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
      .start(),
    new GenericContainer(IMAGES.redis)
      .withCommand(["redis-server", ...redisArgs])
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/i))
      .start(),
  ]);
  const stop = async () => {
    await Promise.all(
      started.map(async (one) => (one.status === "fulfilled" ? one.value.stop() : undefined)),
    );
  };
  const [postgres, redis] = started;
  if (postgres.status === "rejected" || redis.status === "rejected") {
    await stop();
    throw postgres.status === "rejected" ? postgres.reason : (redis as PromiseRejectedResult).reason;
  }
  const { value: pg } = postgres;
  return {
    databaseServerUrl: `postgres://syncline:${password}@${pg.getHost()}:${pg.getMappedPort(5432)}/postgres`,
    redisUrl: `redis://${redis.value.getHost()}:${redis.value.getMappedPort(6379)}/0`,
    stop,
  };
}
