/** How a call was refused, as a code to compare with. */
import { ApiError } from '../../../src/contract/errors.ts';

export function codeOf(action: () => unknown): string {
  try {
    action();
    return 'no error';
  } catch (error) {
    return error instanceof ApiError ? error.code : String(error);
  }
}
