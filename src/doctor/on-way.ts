import { hostWatches } from '../paths/host-watches.ts';
import type { Way } from '../paths/obstacle.ts';

export interface OnWay {
  /** What packets pass by, in words. */
  readonly obstacles: readonly string[];
  /** What could not be looked at. */
  readonly unknown: readonly string[];
}

/** What nftables and IPsec have there. */
export async function lookAtWatches(way: Way): Promise<OnWay> {
  const obstacles: string[] = [];
  const unknown: string[] = [];
  for (const watch of hostWatches().map((one) => one.on(way))) {
    watch.open();
    try {
      await watch.start(() => undefined);
      const found = watch.obstacle();
      if (found !== undefined) (watch.isKnown() ? obstacles : unknown).push(found);
    } finally {
      watch.stop();
    }
  }
  return { obstacles, unknown };
}
