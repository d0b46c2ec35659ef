-- Traffic of each interface by the minute, kept up to date by the server while flow records come. It takes about a
-- hundredth of the room of the records; sums that are not merged yet are added up by queries: always ask for sum(...).
-- estimated_bytes and estimated_packets are corrected for sampling.
CREATE MATERIALIZED VIEW IF NOT EXISTS flows_by_interface
ENGINE = SummingMergeTree()
PARTITION BY toDate(minute)
ORDER BY (sampler_address, in_if, out_if, minute)
AS SELECT
  toStartOfMinute(time_received) AS minute,
  sampler_address,
  in_if,
  out_if,
  sum(bytes) AS bytes,
  sum(packets) AS packets,
  sum(estimated_bytes) AS estimated_bytes,
  sum(estimated_packets) AS estimated_packets,
  count() AS flows
FROM flows
GROUP BY minute, sampler_address, in_if, out_if;
