import type { DashboardSpec } from "./panels.ts";
import { mean, once, quantiles, rate } from "./queries.ts";

const BATCHES = { service: "syncline-ingest", operation: "POST /api/v1/documents/batch" } as const;
const DRAINS = { service: "syncline-worker", operation: "drain lane" } as const;
const MERGES = { service: "syncline-conflict", operation: "merge conflict" } as const;
const FAILED = { tags: "error=true" };
const NOTABLE = { tags: "syncline.notable=true" };
/** Requests that are answered without waiting; the other routes may stay open by request. */
const ANSWERED = 'http_route!~".*/(events|changes|snapshot)"';
const BATCH_ROUTE = '{http_route="/api/v1/documents/batch"}';

const overview: DashboardSpec = {
  uid: "syncline-overview",
  title: "Syncline: overview",
  description: "Rate, errors and durations, from the request to the commit, and the load behind them.",
  rows: [
    {
      title: "At a glance",
      panels: [
        {
          title: "Requests answered 5xx",
          description: "Share of all requests. The objective is less than 0.1 %.",
          kind: "stat",
          unit: "percentunit",
          queries: [
            [
              `(sum(rate(http_server_request_duration_seconds_count{http_response_status_code=~"5.."}[5m])) or vector(0)) / sum(rate(http_server_request_duration_seconds_count[5m]))`,
              "5xx",
            ],
          ],
          traces: { ...BATCHES, ...FAILED },
        },
        {
          title: "Oldest entry on a lane",
          description: "The longest current wait of an accepted batch.",
          kind: "stat",
          unit: "s",
          queries: [[once("syncline_lane_oldest_age_seconds"), "age"]],
          traces: { ...DRAINS, ...NOTABLE },
        },
        {
          title: "Entries on all lanes",
          description: "Accepted, but not committed yet.",
          kind: "stat",
          unit: "short",
          queries: [[`sum(${once("syncline_lane_backlog_entries", "syncline_lane")})`, "entries"]],
          traces: DRAINS,
        },
        {
          title: "Conflicts parked for a person",
          description: "Parked conflicts stay until a person resolves them.",
          kind: "stat",
          unit: "short",
          queries: [[once('syncline_conflicts_unsettled{syncline_conflict_status="parked"}'), "parked"]],
          traces: MERGES,
        },
        {
          title: "Unreachable stores",
          description: "Counted once for each process that cannot reach one.",
          kind: "stat",
          unit: "short",
          queries: [["count(syncline_store_up == 0) or vector(0)", "stores"]],
          traces: { ...DRAINS, ...FAILED },
        },
      ],
    },
    {
      title: "Requests",
      panels: [
        {
          title: "Requests a second, by status",
          description: "All services, all routes.",
          unit: "reqps",
          queries: [
            [
              rate("http_server_request_duration_seconds_count", "http_response_status_code"),
              "{{http_response_status_code}}",
            ],
          ],
          traces: BATCHES,
        },
        {
          title: "Requests answered 4xx and 5xx, by route",
          description:
            "429 and 503 mean that a limit is reached or a store is away; the other 4xx are client errors.",
          unit: "reqps",
          queries: [
            [
              rate(
                'http_server_request_duration_seconds_count{http_response_status_code=~"[45].."}',
                "http_response_status_code, http_route",
              ),
              "{{http_response_status_code}} {{http_route}}",
            ],
          ],
          traces: { ...BATCHES, ...FAILED },
        },
        {
          title: "Refusals, by problem type",
          description:
            "`share-exceeded`: one client exceeds its share; `overloaded`: all clients together do. The others are in `docs/errors.md`.",
          unit: "reqps",
          queries: [
            [rate("syncline_http_problems_total", "syncline_problem_type"), "{{syncline_problem_type}}"],
          ],
          traces: BATCHES,
        },
        {
          title: "Duration of a batch's request",
          description:
            "From its first byte to its answer; if it waits for its results, until they are committed.",
          unit: "s",
          queries: quantiles("http_server_request_duration_seconds", BATCH_ROUTE),
          traces: { ...BATCHES, ...NOTABLE },
        },
        {
          title: "Duration of other requests, p99 by route",
          description: "Without requests that stay open by request.",
          unit: "s",
          queries: [
            [
              `histogram_quantile(0.99, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket{${ANSWERED}}[$__rate_interval])))`,
              "{{http_route}}",
            ],
          ],
          traces: { service: "syncline-ingest", operation: "", ...NOTABLE },
        },
      ],
    },
    {
      title: "Operations",
      panels: [
        {
          title: "Operations a second",
          description: "Accepted includes resends; normally few operations conflict or fail.",
          unit: "ops",
          queries: [
            [rate("syncline_operations_accepted_total"), "accepted"],
            [rate("syncline_operations_applied_total"), "applied"],
            [rate("syncline_operations_conflicted_total"), "conflicted"],
            [rate("syncline_operations_failed_total"), "failed"],
          ],
          traces: BATCHES,
        },
        {
          title: "From acceptance to commit",
          description: "The time between a batch's acceptance and its commit in Postgres.",
          unit: "s",
          queries: quantiles("syncline_batch_commit_duration_seconds"),
          traces: { ...DRAINS, ...NOTABLE },
        },
        {
          title: "Operations of a batch",
          description: "Small batches cost the most an operation.",
          unit: "short",
          queries: [mean("syncline_batch_operations")],
          traces: BATCHES,
        },
      ],
    },
    {
      title: "Processes",
      panels: [
        {
          title: "CPU, in cores",
          description: "A process of Node uses little more than one.",
          unit: "short",
          queries: [[rate("process_cpu_time_seconds_total", "job, instance"), "{{job}} {{instance}}"]],
          traces: DRAINS,
        },
        {
          title: "Event loop utilization",
          description: "Near 100 % a process is at its limit, whatever its CPU usage: add processes.",
          unit: "percentunit",
          queries: [
            [
              `${rate('nodejs_eventloop_time_seconds_total{nodejs_eventloop_state="active"}', "job, instance")} / ${rate("nodejs_eventloop_time_seconds_total", "job, instance")}`,
              "{{job}} {{instance}}",
            ],
          ],
          traces: DRAINS,
        },
        {
          title: "Memory",
          description: "Resident.",
          unit: "bytes",
          queries: [["process_memory_usage_bytes", "{{job}} {{instance}}"]],
          traces: DRAINS,
        },
        {
          title: "Waiting requests",
          description: "Answers that stay open, and requests that wait for their batch.",
          unit: "short",
          queries: [
            ["sum(syncline_streams_open)", "open streams"],
            ["sum(syncline_batches_waiting)", "waiting for a batch"],
          ],
          traces: BATCHES,
        },
      ],
    },
  ],
};

const lanes: DashboardSpec = {
  uid: "syncline-lanes",
  title: "Syncline: lanes and retries",
  description: "The speed of each lane, and the causes of delays.",
  rows: [
    {
      title: "Backlog",
      panels: [
        {
          title: "Entries, by lane",
          description: "One growing lane has a busy workspace or a failing window. If all grow, add workers.",
          unit: "short",
          queries: [[once("syncline_lane_backlog_entries", "syncline_lane"), "lane {{syncline_lane}}"]],
          traces: DRAINS,
        },
        {
          title: "Age of the oldest entry, by lane",
          description: "A line at 45 degrees is a lane without drains.",
          unit: "s",
          queries: [[once("syncline_lane_oldest_age_seconds", "syncline_lane"), "lane {{syncline_lane}}"]],
          traces: { ...DRAINS, ...NOTABLE },
        },
      ],
    },
    {
      title: "Drains",
      width: 8,
      panels: [
        {
          title: "Windows a second",
          description: "A window is the part of a lane that one transaction commits.",
          unit: "ops",
          queries: [[rate("syncline_drain_duration_seconds_count", "instance"), "{{instance}}"]],
          traces: DRAINS,
        },
        {
          title: "Duration of a drain",
          description: "From the read of a window to its replies.",
          unit: "s",
          queries: quantiles("syncline_drain_duration_seconds"),
          traces: { ...DRAINS, ...NOTABLE },
        },
        {
          title: "Duration of the transaction",
          description: "The part of a drain in which Postgres commits.",
          unit: "s",
          queries: quantiles("syncline_apply_duration_seconds"),
          traces: { service: "syncline-worker", operation: "commit window" },
        },
        {
          title: "Entries of a window",
          description: "Windows grow under load, which keeps the throughput up.",
          unit: "short",
          queries: [mean("syncline_window_entries")],
          traces: DRAINS,
        },
        {
          title: "Operations a change",
          description: "The number of a device's operations folded into one write.",
          unit: "short",
          queries: [
            [
              `${rate("syncline_operations_applied_total")} / ${rate("syncline_changes_written_total")}`,
              "fold ratio",
            ],
          ],
          traces: DRAINS,
        },
      ],
    },
    {
      title: "Retries",
      panels: [
        {
          title: "Retries a second, by cause",
          description: "Normally none. The codes are explained in docs/errors.md.",
          unit: "ops",
          queries: [
            [rate("syncline_retries_total", "syncline_work, error_type"), "{{syncline_work}} {{error_type}}"],
          ],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Processes that take no jobs",
          description: "A store does not match their version: docs/runbooks/deployment-fault.md.",
          unit: "short",
          queries: [["sum by (job) (syncline_deployment_fault)", "{{job}}"]],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Deferred workspaces",
          description:
            "Workspaces whose windows cannot be committed at the moment, by lane. Their lanes continue without them.",
          unit: "short",
          queries: [[once("syncline_lane_deferred_workspaces", "syncline_lane"), "lane {{syncline_lane}}"]],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Dead-lettered entries",
          description: "By lane. Each is an accepted entry that could not be read and waits for an operator.",
          unit: "short",
          queries: [[once("syncline_lane_dead_entries", "syncline_lane"), "lane {{syncline_lane}}"]],
          traces: { ...DRAINS, ...FAILED },
        },
      ],
    },
  ],
};

const conflicts: DashboardSpec = {
  uid: "syncline-conflicts",
  title: "Syncline: conflicts",
  description: "The number of conflicts, the duration of their merges, and the conflicts parked for people.",
  rows: [
    {
      title: "Counts",
      panels: [
        {
          title: "Share of operations that met a conflict",
          description: "Including operations held behind a conflict.",
          unit: "percentunit",
          queries: [
            [
              `${rate("syncline_operations_conflicted_total")} / ${rate("syncline_operations_accepted_total")}`,
              "conflicted",
            ],
          ],
          traces: MERGES,
        },
        {
          title: "Unsettled conflicts",
          description: "Open conflicts are being merged; parked ones wait for a person.",
          unit: "short",
          queries: [
            [
              once("syncline_conflicts_unsettled", "syncline_conflict_status"),
              "{{syncline_conflict_status}}",
            ],
          ],
          traces: MERGES,
        },
        {
          title: "Operations held behind conflicts",
          description: "Held until their conflict is resolved.",
          unit: "short",
          queries: [
            [once("syncline_operations_held", "syncline_conflict_status"), "{{syncline_conflict_status}}"],
          ],
          traces: MERGES,
        },
      ],
    },
    {
      title: "Merges",
      panels: [
        {
          title: "From acceptance to the merge's commit",
          description:
            "Long durations come from rounds that back off: the document changes faster than it is merged.",
          unit: "s",
          queries: quantiles("syncline_operation_merge_duration_seconds"),
          traces: { ...MERGES, ...NOTABLE },
        },
        {
          title: "Rounds of a merge",
          description:
            "More than one: the document changed during the merge. The last round merges in the drain.",
          unit: "short",
          queries: [mean("syncline_merge_rounds")],
          traces: MERGES,
        },
        {
          title: "Hook calls, by outcome",
          description: "Every outcome except `answered` is a failure, and the strategy decides.",
          unit: "ops",
          queries: [
            [rate("syncline_hook_calls_total", "syncline_hook_outcome"), "{{syncline_hook_outcome}}"],
          ],
          traces: MERGES,
        },
        {
          title: "Retried merges",
          description: "By cause.",
          unit: "ops",
          queries: [[rate('syncline_retries_total{syncline_work="merge"}', "error_type"), "{{error_type}}"]],
          traces: { ...MERGES, ...FAILED },
        },
      ],
    },
  ],
};

const stores: DashboardSpec = {
  uid: "syncline-stores",
  title: "Syncline: Postgres and Redis",
  description: "The stores from the services' point of view.",
  rows: [
    {
      title: "Availability",
      panels: [
        {
          title: "Answers",
          description: "1 if the process reaches the store, otherwise 0.",
          unit: "bool",
          queries: [["syncline_store_up", "{{syncline_store}} {{job}} {{instance}}"]],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Time to answer a ping, the slowest process",
          description:
            "Usually a few tenths of a millisecond; more under load, because the process itself responds later.",
          unit: "s",
          queries: [[once("syncline_store_ping_seconds", "syncline_store"), "{{syncline_store}}"]],
          traces: { service: "syncline-worker", operation: "commit window" },
        },
      ],
    },
    {
      title: "Postgres",
      panels: [
        {
          title: "Used connections, as a share of the pool",
          description: "At 100 % requests wait for each other.",
          unit: "percentunit",
          queries: [
            [
              `max by (db_client_connection_pool_name) (db_client_connection_count{db_client_connection_state="used"} / ignoring (db_client_connection_state) db_client_connection_max)`,
              "{{db_client_connection_pool_name}}",
            ],
          ],
          traces: { service: "syncline-worker", operation: "commit window" },
        },
        {
          title: "Waiting for a connection",
          description: "A lasting wait means a pool that is too small, or hanging statements.",
          unit: "short",
          queries: [
            [
              "sum by (db_client_connection_pool_name) (db_client_connection_pending_requests)",
              "{{db_client_connection_pool_name}}",
            ],
          ],
          traces: { service: "syncline-worker", operation: "commit window", ...NOTABLE },
        },
        {
          title: "Duration of the transaction",
          description: "The commit of a window.",
          unit: "s",
          queries: quantiles("syncline_apply_duration_seconds"),
          traces: { service: "syncline-worker", operation: "commit window" },
        },
      ],
    },
    {
      title: "Redis",
      panels: [
        {
          title: "Memory",
          description:
            "Redis holds all batches that are accepted and not committed. Without a memory limit there is no second line.",
          unit: "bytes",
          queries: [
            [once("syncline_redis_memory_used_bytes"), "used"],
            [once("syncline_redis_memory_limit_bytes"), "limit"],
          ],
          traces: { service: "syncline-ingest", operation: "append batch" },
        },
        {
          title: "Entries on all lanes",
          description: "The cause of growing memory.",
          unit: "short",
          queries: [[`sum(${once("syncline_lane_backlog_entries", "syncline_lane")})`, "entries"]],
          traces: { service: "syncline-ingest", operation: "append batch" },
        },
      ],
    },
  ],
};

/** Every dashboard, by its file name. */
export const DASHBOARDS = { overview, lanes, conflicts, stores } as const;
