import type { PipelineControl } from '../../src/api/pipelines.ts';
import { FloxyError } from '../../src/base/errors.ts';
import type { PageStart, TemplatePage } from '../../src/flow/templates/kept-change.ts';

/** Takes any document that begins with "pipelines:". */
export class FakePipelines implements PipelineControl {
  document: { text: string; file: string | undefined } = {
    text: 'pipelines: []\n',
    file: undefined,
  };

  names = new Set<string>();

  page: TemplatePage = { epoch: 'fake', changes: [], next: 0, hasMore: false };
  readonly starts: PageStart[] = [];

  async templatePage(start: PageStart): Promise<TemplatePage> {
    this.starts.push(start);
    return this.page;
  }

  async check(text: string): Promise<void> {
    if (!text.startsWith('pipelines:')) {
      throw new FloxyError('INVALID_INPUT', 'pipelines:1:1: wrong\npipelines:2:1: also wrong');
    }
  }

  async replace(text: string): Promise<void> {
    const { file } = this.document;
    if (file !== undefined)
      throw new FloxyError('FILE_OWNED', `the pipelines are those of ${file}`);
    await this.check(text);
    this.document = { text, file };
  }
}
