import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAvailableCores } from './cores.ts';

const V2_MOUNT = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n';
const V1_MOUNT = '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n';
const HYBRID_MOUNTS = `${V1_MOUNT}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`;

function count(files: Readonly<Record<string, string>>, onlineCores = 16): number {
  return countAvailableCores({
    readText: (file) => files[file],
    onlineCores: () => onlineCores,
  });
}

const V2 = { '/proc/self/mountinfo': V2_MOUNT, '/proc/self/cgroup': '0::/a.slice/floxy.service\n' };
const V1 = {
  '/proc/self/mountinfo': V1_MOUNT,
  '/proc/self/cgroup': '3:cpuset:/other\n2:cpu,cpuacct:/docker/1\n',
};

test('without files of /proc the online cores count', () => {
  assert.equal(count({}, 16), 16);
});

test('CPU affinity, which includes the cpuset, limits', () => {
  const status = (list: string) => ({
    '/proc/self/status': `Name:\tx\nCpus_allowed_list:\t${list}\n`,
  });
  assert.equal(count(status('3')), 1);
  assert.equal(count(status('0-3,8,10-11')), 7);
  assert.equal(count(status('0-63'), 16), 16);
});

test('a quota of cgroup version 2 limits, rounded up', () => {
  const quota = (text: string) =>
    count({ ...V2, '/sys/fs/cgroup/a.slice/floxy.service/cpu.max': text });
  assert.equal(quota('max 100000\n'), 16);
  assert.equal(quota('200000 100000\n'), 2);
  assert.equal(quota('150000 100000\n'), 2);
  assert.equal(quota('5000 100000\n'), 1);
});

test('the smallest quota of all parents of the control group holds', () => {
  const files = {
    ...V2,
    '/sys/fs/cgroup/a.slice/floxy.service/cpu.max': '800000 100000\n',
    '/sys/fs/cgroup/a.slice/cpu.max': '300000 100000\n',
  };
  assert.equal(count(files), 3);
});

test('in a container with its own cgroup namespace the quota stands at the mount point', () => {
  const files = { '/proc/self/mountinfo': V2_MOUNT, '/proc/self/cgroup': '0::/\n' };
  assert.equal(count({ ...files, '/sys/fs/cgroup/cpu.max': '250000 100000\n' }), 3);
});

test('a quota of cgroup version 1 limits, -1 does not', () => {
  const folder = '/sys/fs/cgroup/cpu,cpuacct/docker/1';
  const quota = (us: string) =>
    count({
      ...V1,
      [`${folder}/cpu.cfs_quota_us`]: `${us}\n`,
      [`${folder}/cpu.cfs_period_us`]: '50000\n',
    });
  assert.equal(quota('-1'), 16);
  assert.equal(quota('200000'), 4);
  assert.equal(quota('210000'), 5);
});

test('in a container without a cgroup namespace the mounted group is cut from the path', () => {
  const files = {
    '/proc/self/mountinfo': V1_MOUNT.replace(' / /sys', ' /docker/1 /sys'),
    '/proc/self/cgroup': '2:cpu,cpuacct:/docker/1/inner\n',
    '/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us': '100000\n',
    '/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(count(files), 1);
});

test('a quota of version 1 counts on hosts that have both versions', () => {
  const files = {
    '/proc/self/mountinfo': HYBRID_MOUNTS,
    '/proc/self/cgroup': '2:cpu,cpuacct:/floxy\n0::/\n',
    '/sys/fs/cgroup/cpu,cpuacct/floxy/cpu.cfs_quota_us': '200000\n',
    '/sys/fs/cgroup/cpu,cpuacct/floxy/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(count(files), 2);
});

test('this host has at least one core', () => {
  assert.ok(countAvailableCores() >= 1);
});
