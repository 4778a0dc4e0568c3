/* Preloaded into a tool: kills it when it has written an output in full and syncs it, the last moment at
   which the output may not be there. */
#include <signal.h>
#include <unistd.h>

int fsync(int descriptor) {
  (void)descriptor;
  kill(getpid(), SIGKILL);
  pause();
  return -1;
}
