/** 0 done or nothing to do · 1 failed, or findings of level error · 2 wrong usage · 3 refused · 4 rolled back */
export const ExitCode = { done: 0, failed: 1, usage: 2, refused: 3, rolledBack: 4 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
