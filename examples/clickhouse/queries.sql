-- Questions to the table of deploy/clickhouse/flows.sql and the view of rollup.sql. Addresses are IPv6 there (or
-- FixedString(16) with `types: basic`): IPv4 is ::ffff:a.b.c.d.

-- The sources that sent most, in the last hour.
SELECT IPv6NumToString(src_addr) AS source, sum(estimated_bytes) AS octets, count() AS records
FROM flows
WHERE time_received > now() - 3600
GROUP BY src_addr
ORDER BY octets DESC
LIMIT 10;

-- What one host talked to, and how.
SELECT IPv6NumToString(dst_addr) AS target, proto, dst_port, sum(bytes) AS octets
FROM flows
WHERE time_received > now() - 86400 AND src_addr = IPv6StringToNum('::ffff:192.0.2.1')
GROUP BY dst_addr, proto, dst_port
ORDER BY octets DESC
LIMIT 20;

-- Mbit/s of each interface by the minute, from the view.
SELECT minute, IPv6NumToString(sampler_address) AS exporter, in_if, sum(estimated_bytes) * 8 / 60 / 1e6 AS mbit
FROM flows_by_interface
WHERE minute > now() - 3600
GROUP BY minute, sampler_address, in_if
ORDER BY minute, exporter, in_if;

-- Hosts that knock at many doors: targets and ports by source.
SELECT IPv6NumToString(src_addr) AS source, uniq(dst_addr) AS targets, uniq(dst_port) AS ports
FROM flows
WHERE time_received > now() - 600 AND packets <= 3
GROUP BY src_addr
HAVING targets > 100 OR ports > 100
ORDER BY targets DESC
LIMIT 20;

-- Traffic between networks (AS).
SELECT src_as, dst_as, sum(estimated_bytes) AS octets
FROM flows
WHERE time_received > now() - 86400
GROUP BY src_as, dst_as
ORDER BY octets DESC
LIMIT 20;

-- How far behind the records are, and who sends them.
SELECT IPv6NumToString(sampler_address) AS exporter, count() AS records, max(time_received) AS last
FROM flows
WHERE time_received > now() - 300
GROUP BY sampler_address
ORDER BY records DESC;
