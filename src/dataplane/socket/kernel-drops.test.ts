import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelDrops } from './kernel-drops.ts';

test('KernelDrops goes on where the kernel, which has 32 bits, begins again, and after the end', () => {
  let counted = 5;
  const drops = new KernelDrops(() => counted);
  assert.equal(drops.read(), 5n);
  counted = 0xffff_fff0;
  assert.equal(drops.read(), 0xffff_fff0n);
  counted = 16;
  assert.equal(drops.read(), 0x1_0000_0010n);
  counted = 17;
  drops.close();
  counted = 1;
  assert.equal(drops.read(), 0x1_0000_0011n);
});
