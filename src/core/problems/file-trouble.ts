/** Why a file could not be used, in words, from the code of the system call. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};

export function fileTrouble(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  return WORDS[code ?? ''] ?? message ?? String(error);
}
