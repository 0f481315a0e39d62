-- Distributes the tables over the nodes of a Citus cluster by workspace: all rows of one workspace are on one node. Not
-- one of the migrations that `npm run migrate` applies. docs/operations/citus.md describes the limits. The services do
-- not run on it without changes.
--   psql "$DATABASE_URL" --single-transaction -v ON_ERROR_STOP=1 -f migrations/optional/citus.sql
-- `settings` and `schema_migrations` hold facts about the whole database, so they stay on the coordinator.
SELECT create_distributed_table('workspaces', 'workspace_id', colocate_with => 'none');
SELECT create_distributed_table('documents', 'workspace_id', colocate_with => 'workspaces');
SELECT create_distributed_table('changes', 'workspace_id', colocate_with => 'workspaces');
SELECT create_distributed_table('operations', 'workspace_id', colocate_with => 'workspaces');
SELECT create_distributed_table('batches', 'workspace_id', colocate_with => 'workspaces');
SELECT create_distributed_table('conflicts', 'workspace_id', colocate_with => 'workspaces');
SELECT create_distributed_table('held_operations', 'workspace_id', colocate_with => 'workspaces');
SELECT create_distributed_table('decisions', 'workspace_id', colocate_with => 'workspaces');
SELECT create_distributed_table('devices', 'workspace_id', colocate_with => 'workspaces');
