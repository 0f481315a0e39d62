import type { DashboardSpec } from "./panels.ts";
import { mean, once, quantiles, rate } from "./queries.ts";

const BATCHES = { service: "syncline-ingest", operation: "POST /api/v1/documents/batch" } as const;
const DRAINS = { service: "syncline-worker", operation: "drain lane" } as const;
const MERGES = { service: "syncline-conflict", operation: "merge conflict" } as const;
const FAILED = { tags: "error=true" };
const NOTABLE = { tags: "syncline.notable=true" };
/** Requests that are answered as soon as may be; the others stay open because they were asked to. */
const ANSWERED = 'http_route!~".*/(events|changes|snapshot)"';
const BATCH_ROUTE = '{http_route="/api/v1/documents/batch"}';

const overview: DashboardSpec = {
  uid: "syncline-overview",
  title: "Syncline: overview",
  description: "Rate, errors and durations, from the request to the commit; and what stands behind them.",
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
          description: "How long the slowest lane lets somebody wait.",
          kind: "stat",
          unit: "s",
          queries: [[once("syncline_lane_oldest_age_seconds"), "age"]],
          traces: { ...DRAINS, ...NOTABLE },
        },
        {
          title: "Entries on all lanes",
          description: "Accepted, and not committed yet.",
          kind: "stat",
          unit: "short",
          queries: [[`sum(${once("syncline_lane_backlog_entries", "syncline_lane")})`, "entries"]],
          traces: DRAINS,
        },
        {
          title: "Conflicts that wait for a person",
          description: "Parked: nothing happens to them until somebody decides.",
          kind: "stat",
          unit: "short",
          queries: [[once('syncline_conflicts_unsettled{syncline_conflict_status="parked"}'), "parked"]],
          traces: MERGES,
        },
        {
          title: "Stores that do not answer",
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
          description: "429 and 503 say that something is full or away; the other 4xx are the clients' own.",
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
            "`share-exceeded` is one client that asks too much, `overloaded` all together; `docs/errors.md` has the others.",
          unit: "reqps",
          queries: [
            [rate("syncline_http_problems_total", "syncline_problem_type"), "{{syncline_problem_type}}"],
          ],
          traces: BATCHES,
        },
        {
          title: "Duration of a batch's request",
          description:
            "From its first byte to its answer: where it waits for its results, that is until they are committed.",
          unit: "s",
          queries: quantiles("http_server_request_duration_seconds", BATCH_ROUTE),
          traces: { ...BATCHES, ...NOTABLE },
        },
        {
          title: "Duration of other requests, p99 by route",
          description: "Without those that stay open because they were asked to.",
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
          description:
            "Accepted includes resends; conflicted and failed are small parts of it when all is well.",
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
          description: "Of a batch: how long what was accepted is not yet in Postgres.",
          unit: "s",
          queries: quantiles("syncline_batch_commit_duration_seconds"),
          traces: { ...DRAINS, ...NOTABLE },
        },
        {
          title: "Operations of a batch",
          description: "Small batches cost most an operation.",
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
          title: "How busy the event loops are",
          description: "Near 100 % a process is at its limit, whatever its CPU says: add processes.",
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
          title: "Who waits",
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
  description: "Which lane is slow, and why.",
  rows: [
    {
      title: "What waits",
      panels: [
        {
          title: "Entries, by lane",
          description:
            "One lane that grows alone has a busy workspace, or a window that fails. All that grow need workers.",
          unit: "short",
          queries: [[once("syncline_lane_backlog_entries", "syncline_lane"), "lane {{syncline_lane}}"]],
          traces: DRAINS,
        },
        {
          title: "Age of the oldest entry, by lane",
          description: "A line at 45 degrees is a lane that nobody drains.",
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
          description: "A window is what one transaction commits.",
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
          description: "The part of a drain that Postgres takes to commit.",
          unit: "s",
          queries: quantiles("syncline_apply_duration_seconds"),
          traces: { service: "syncline-worker", operation: "commit window" },
        },
        {
          title: "Entries of a window",
          description: "Windows grow under load, which is what makes the load bearable.",
          unit: "short",
          queries: [mean("syncline_window_entries")],
          traces: DRAINS,
        },
        {
          title: "Operations to a change",
          description: "How many operations of a device are folded into one write.",
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
          description: "None when all is well. docs/errors.md says what each code means.",
          unit: "ops",
          queries: [
            [rate("syncline_retries_total", "syncline_work, error_type"), "{{syncline_work}} {{error_type}}"],
          ],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Processes that take no jobs",
          description: "A store does not fit their version: docs/runbooks/deployment-fault.md.",
          unit: "short",
          queries: [["sum by (job) (syncline_deployment_fault)", "{{job}}"]],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Deferred workspaces",
          description:
            "Those that cannot be committed at the moment, by lane. Their lanes go on without them.",
          unit: "short",
          queries: [[once("syncline_lane_deferred_workspaces", "syncline_lane"), "lane {{syncline_lane}}"]],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Entries that nobody could read",
          description: "Set aside, by lane. Each is something accepted that waits for a person.",
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
  description: "How many operations collide, how long their merges take, and what waits for people.",
  rows: [
    {
      title: "How many",
      panels: [
        {
          title: "Share of operations that met a conflict",
          description: "Those held behind a conflict included.",
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
          description: "Open ones are being merged; parked ones wait for a person.",
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
          title: "Operations behind them",
          description: "Held until their conflict is settled.",
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
          description: "Rounds that back off make it long: the document moves on faster than it is merged.",
          unit: "s",
          queries: quantiles("syncline_operation_merge_duration_seconds"),
          traces: { ...MERGES, ...NOTABLE },
        },
        {
          title: "Rounds of a merge",
          description:
            "More than one: the document moved while it was merged. The last one is merged in the drain.",
          unit: "short",
          queries: [mean("syncline_merge_rounds")],
          traces: MERGES,
        },
        {
          title: "Calls of hooks, by what they came to",
          description: "All but answered are failures, and leave it to the strategy.",
          unit: "ops",
          queries: [
            [rate("syncline_hook_calls_total", "syncline_hook_outcome"), "{{syncline_hook_outcome}}"],
          ],
          traces: MERGES,
        },
        {
          title: "Merges that are tried again",
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
  description: "The stores as the services see them.",
  rows: [
    {
      title: "Do they answer",
      panels: [
        {
          title: "Answers",
          description: "1, or 0, for each process.",
          unit: "bool",
          queries: [["syncline_store_up", "{{syncline_store}} {{job}} {{instance}}"]],
          traces: { ...DRAINS, ...FAILED },
        },
        {
          title: "Time to answer a ping, the slowest process",
          description:
            "From a few tenths of a millisecond; more under load, since the process has to come to it.",
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
          description: "More than none for long: the pool is too small, or statements hang.",
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
          description: "Of a window's commit.",
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
            "What is accepted and not committed lies there. Without a limit there is no second line.",
          unit: "bytes",
          queries: [
            [once("syncline_redis_memory_used_bytes"), "used"],
            [once("syncline_redis_memory_limit_bytes"), "limit"],
          ],
          traces: { service: "syncline-ingest", operation: "append batch" },
        },
        {
          title: "Entries on all lanes",
          description: "What makes the memory grow.",
          unit: "short",
          queries: [[`sum(${once("syncline_lane_backlog_entries", "syncline_lane")})`, "entries"]],
          traces: { service: "syncline-ingest", operation: "append batch" },
        },
      ],
    },
  ],
};

/** Every dashboard, by the name of its file. */
export const DASHBOARDS = { overview, lanes, conflicts, stores } as const;
