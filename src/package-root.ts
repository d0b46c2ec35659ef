import { resolve } from 'node:path';

/** The folder that holds package.json, proto/ and dist/; right from src/ and from dist/ alike. */
export const packageRoot: string = resolve(import.meta.dirname, '..');
