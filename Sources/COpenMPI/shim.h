// SPDX-License-Identifier: GPL-3.0-or-later
#include <mpi.h>

/* What is a macro in MPI, as the world of all ranks; a Swift module sees functions. Messages are bytes. */

static inline int kubo_mpi_start(int *rank, int *size) {
  int provided;
  int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
  if (code != MPI_SUCCESS) return code;
  if (provided < MPI_THREAD_SERIALIZED) return MPI_ERR_OTHER;
  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  return MPI_Comm_size(MPI_COMM_WORLD, size);
}

/* How many ranks share this machine. */
static inline int kubo_mpi_neighbours(void) {
  MPI_Comm machine;
  int size = 1;
  if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine) != MPI_SUCCESS)
    return 1;
  MPI_Comm_size(machine, &size);
  MPI_Comm_free(&machine);
  return size;
}

static inline int kubo_mpi_send(const void *bytes, int count, int rank) {
  return MPI_Send(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD);
}

/* Whether a message waits, of whom, and how long it is. */
static inline int kubo_mpi_probe(int *waits, int *rank, int *count) {
  MPI_Status status;
  int code = MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, waits, &status);
  if (code != MPI_SUCCESS || !*waits) return code;
  *rank = status.MPI_SOURCE;
  return MPI_Get_count(&status, MPI_BYTE, count);
}

static inline int kubo_mpi_receive(void *bytes, int count, int rank) {
  return MPI_Recv(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static inline int kubo_mpi_end(void) { return MPI_Finalize(); }

static inline void kubo_mpi_version(char *text, int *length) {
  MPI_Get_library_version(text, length);
}
