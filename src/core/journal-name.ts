/**
 * Folders beside the modules in which runs keep what they may have to put back. Where there is
 * one, an environment is being changed, or a run that changed it was killed.
 */
export const journalPrefix = '.pip-accel-';
