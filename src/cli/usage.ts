/** What `pip-accel` alone prints. */
export const usage = `Usage: pip-accel <pip command> [options]

pip-accel takes every command and option of pip and runs the environment's own pip.
\`pip-accel install\` gives the same result sooner: nothing that was decided,
downloaded or built before is decided, downloaded or built again.

  pip-accel install -r requirements.txt   as pip install does
  pip-accel --python PATH install …       into another environment
  pip-accel help                          pip's own help
  pip-accel accel help                    pip-accel's own commands and options
`;
