export type { Answer, AnswerInfo, Failure, FailureInfo, FailureKind } from "./answer.ts";
export type { Clock } from "./clock.ts";
export type { Connectivity } from "./connectivity.ts";
export type { Log, LogLevel } from "./log.ts";
export type { Random } from "./random.ts";
export type {
  Change,
  CommitOptions,
  Expected,
  Key,
  KeyPart,
  KeyRange,
  Row,
  Storage,
  StoreName,
} from "./storage.ts";
export type {
  ConflictDocuments,
  ConflictRecord,
  DecisionRequest,
  ListenRequest,
  PulledChange,
  PullPage,
  PullRequest,
  PushAnswer,
  PushBatch,
  PushedResult,
  RequestContext,
  SnapshotPage,
  SnapshotRequest,
  StreamEnd,
  StreamEvent,
  Transport,
  WireOperation,
} from "./transport.ts";
