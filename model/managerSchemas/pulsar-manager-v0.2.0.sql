-- The tables that Pulsar Manager v0.2.0 expects to find: it is started with `initialization-mode=never` and makes none itself.
-- May be run again: what exists is left as it is. Names carry no schema, so that they resolve as they do for the manager.

CREATE TABLE IF NOT EXISTS environments (
  name VARCHAR(256) NOT NULL,
  broker VARCHAR(1024) NOT NULL,
  CONSTRAINT pk_name PRIMARY KEY (name),
  UNIQUE (broker)
);

CREATE TABLE IF NOT EXISTS topics_stats (
  topic_stats_id BIGSERIAL PRIMARY KEY,
  environment VARCHAR(255) NOT NULL,
  cluster VARCHAR(255) NOT NULL,
  broker VARCHAR(255) NOT NULL,
  tenant VARCHAR(255) NOT NULL,
  namespace VARCHAR(255) NOT NULL,
  bundle VARCHAR(255) NOT NULL,
  persistent VARCHAR(36) NOT NULL,
  topic VARCHAR(255) NOT NULL,
  producer_count BIGINT,
  subscription_count BIGINT,
  msg_rate_in DOUBLE PRECISION,
  msg_throughput_in DOUBLE PRECISION,
  msg_rate_out DOUBLE PRECISION,
  msg_throughput_out DOUBLE PRECISION,
  average_msg_size DOUBLE PRECISION,
  storage_size DOUBLE PRECISION,
  time_stamp BIGINT
);

CREATE TABLE IF NOT EXISTS publishers_stats (
  publisher_stats_id BIGSERIAL PRIMARY KEY,
  producer_id BIGINT,
  topic_stats_id BIGINT NOT NULL,
  producer_name VARCHAR(255) NOT NULL,
  msg_rate_in DOUBLE PRECISION,
  msg_throughput_in DOUBLE PRECISION,
  average_msg_size DOUBLE PRECISION,
  address VARCHAR(255),
  connected_since VARCHAR(128),
  client_version VARCHAR(36),
  metadata TEXT,
  time_stamp BIGINT,
  CONSTRAINT fk_publishers_stats_topic_stats_id FOREIGN KEY (topic_stats_id) REFERENCES topics_stats (topic_stats_id)
);

CREATE TABLE IF NOT EXISTS replications_stats (
  replication_stats_id BIGSERIAL PRIMARY KEY,
  topic_stats_id BIGINT NOT NULL,
  cluster VARCHAR(255) NOT NULL,
  connected BOOLEAN,
  msg_rate_in DOUBLE PRECISION,
  msg_rate_out DOUBLE PRECISION,
  msg_rate_expired DOUBLE PRECISION,
  msg_throughput_in DOUBLE PRECISION,
  msg_throughput_out DOUBLE PRECISION,
  msg_rate_redeliver DOUBLE PRECISION,
  replication_backlog BIGINT,
  replication_delay_in_seconds BIGINT,
  inbound_connection VARCHAR(255),
  inbound_connected_since VARCHAR(255),
  outbound_connection VARCHAR(255),
  outbound_connected_since VARCHAR(255),
  time_stamp BIGINT,
  CONSTRAINT fk_replications_stats_topic_stats_id FOREIGN KEY (topic_stats_id) REFERENCES topics_stats (topic_stats_id)
);

CREATE TABLE IF NOT EXISTS subscriptions_stats (
  subscription_stats_id BIGSERIAL PRIMARY KEY,
  topic_stats_id BIGINT NOT NULL,
  subscription VARCHAR(255),
  msg_backlog BIGINT,
  msg_rate_expired DOUBLE PRECISION,
  msg_rate_out DOUBLE PRECISION,
  msg_throughput_out DOUBLE PRECISION,
  msg_rate_redeliver DOUBLE PRECISION,
  number_of_entries_since_first_not_acked_message BIGINT,
  total_non_contiguous_deleted_messages_range BIGINT,
  subscription_type VARCHAR(16),
  blocked_subscription_on_unacked_msgs BOOLEAN,
  time_stamp BIGINT,
  UNIQUE (topic_stats_id, subscription),
  CONSTRAINT fk_subscriptions_stats_topic_stats_id FOREIGN KEY (topic_stats_id) REFERENCES topics_stats (topic_stats_id)
);

CREATE TABLE IF NOT EXISTS consumers_stats (
  consumer_stats_id BIGSERIAL PRIMARY KEY,
  consumer VARCHAR(255) NOT NULL,
  topic_stats_id BIGINT NOT NULL,
  replication_stats_id BIGINT,
  subscription_stats_id BIGINT,
  address VARCHAR(255),
  available_permits BIGINT,
  connected_since VARCHAR(255),
  msg_rate_out DOUBLE PRECISION,
  msg_throughput_out DOUBLE PRECISION,
  msg_rate_redeliver DOUBLE PRECISION,
  client_version VARCHAR(36),
  time_stamp BIGINT,
  metadata TEXT
);

CREATE TABLE IF NOT EXISTS tokens (
  token_id BIGSERIAL PRIMARY KEY,
  role VARCHAR(256) NOT NULL,
  description VARCHAR(128),
  token VARCHAR(1024) NOT NULL,
  UNIQUE (role)
);

CREATE TABLE IF NOT EXISTS users (
  user_id BIGSERIAL PRIMARY KEY,
  access_token VARCHAR(256),
  name VARCHAR(256) NOT NULL,
  description VARCHAR(128),
  email VARCHAR(256),
  phone_number VARCHAR(48),
  location VARCHAR(256),
  company VARCHAR(256),
  expire BIGINT,
  password VARCHAR(256),
  UNIQUE (name)
);

CREATE TABLE IF NOT EXISTS roles (
  role_id BIGSERIAL PRIMARY KEY,
  role_name VARCHAR(256) NOT NULL,
  role_source VARCHAR(256) NOT NULL,
  description VARCHAR(128),
  resource_id BIGINT NOT NULL,
  resource_type VARCHAR(48) NOT NULL,
  resource_name VARCHAR(48) NOT NULL,
  resource_verbs VARCHAR(256) NOT NULL,
  flag INT NOT NULL
);

CREATE TABLE IF NOT EXISTS tenants (
  tenant_id BIGSERIAL PRIMARY KEY,
  tenant VARCHAR(255) NOT NULL,
  admin_roles VARCHAR(255),
  allowed_clusters VARCHAR(255),
  environment_name VARCHAR(255),
  UNIQUE (tenant)
);

CREATE TABLE IF NOT EXISTS namespaces (
  namespace_id BIGSERIAL PRIMARY KEY,
  tenant VARCHAR(255) NOT NULL,
  namespace VARCHAR(255) NOT NULL,
  UNIQUE (tenant, namespace)
);

CREATE TABLE IF NOT EXISTS role_binding (
  role_binding_id BIGSERIAL PRIMARY KEY,
  name VARCHAR(256) NOT NULL,
  description VARCHAR(256),
  role_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL
);
