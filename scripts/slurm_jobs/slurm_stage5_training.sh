#!/usr/bin/env bash
# Stage 5 (`fvc train`) on SLURM: an array of tasks, each of which does its part.
#
#   sbatch scripts/slurm_jobs/slurm_stage5_training.sh [options of `fvc train`]
#
# Call it in the project's folder. The task that ends last of a model finishes the model. Started again, it goes on where
# it stopped. When the time is nearly up, a task keeps what is finished, stops and queues again.
#
# These lines come from `fvc slurm scripts`; options and SBATCH_* variables of sbatch win over them.
#SBATCH --job-name=fvc-5-train
#SBATCH --array=1-30
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --mem-per-cpu=4G
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --output=/dev/null
#
# FVC_PROJECT  the project's folder, if it is not the one in which sbatch was called
# FVC_COMMAND  the fvc command, if it is neither .venv/bin/fvc there nor on the PATH
# FVC_SHARDS   number of parts, if the array holds only some of them
# FVC_ATTEMPTS, FVC_REQUEUES  how often a task tries after an error (3), or queues again (20)
# FVC_SOME_FAILED  exit code where some clips failed and all else is done; 0, so that jobs which
#                  depend on this one begin
set -u
project=''
fvc=''
options=()

[ -n "$project" ] || project=${FVC_PROJECT:-${SLURM_SUBMIT_DIR:-$PWD}}
cd "$project" || exit 3
if [ -z "$fvc" ]; then
    fvc=${FVC_COMMAND:-$PWD/.venv/bin/fvc}
    [ -n "${FVC_COMMAND:-}" ] || [ -x "$fvc" ] || fvc=fvc
fi

job=${SLURM_ARRAY_JOB_ID:-${SLURM_JOB_ID:-}}
task=${SLURM_ARRAY_TASK_ID:-}
if [ -n "$job" ]; then
    mkdir -p logs/slurm || exit 9
    exec >>"logs/slurm/${SLURM_JOB_NAME:-fvc}-$job${task:+_$task}.log" 2>&1
fi

part=()
if [ -n "$task" ]; then
    step=${SLURM_ARRAY_TASK_STEP:-1}
    count=${FVC_SHARDS:-$(((SLURM_ARRAY_TASK_MAX - SLURM_ARRAY_TASK_MIN) / step + 1))}
    first=$SLURM_ARRAY_TASK_MIN
    [ -z "${FVC_SHARDS:-}" ] || first=1
    part=(--shard "$(((task - first) / step + 1))/$count")
fi

# Work is spread over processes, as many as SLURM gave cores; each of them has one thread.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 OMP_WAIT_POLICY=passive

child='' stopped=''
stop() {
    stopped=$1
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap 'stop USR1' USR1
trap 'stop TERM' TERM

# Run a command so that a signal reaches this shell at once; its exit code is in `code`.
run() {
    "$@" &
    child=$!
    [ -z "$stopped" ] || kill -TERM "$child" 2>/dev/null
    code=0
    wait "$child" || code=$?
    while kill -0 "$child" 2>/dev/null; do
        code=0
        wait "$child" || code=$?
    done
    child=''
}

echo "== $(date '+%F %T') ${SLURM_JOB_NAME:-no job} ${job:-}${task:+_$task} on $(hostname)," \
    "${SLURM_CPUS_PER_TASK:-all} cores, start $((${SLURM_RESTART_COUNT:-0} + 1))"
attempt=1
while :; do
    run "$fvc" train --project="$project" ${options[@]+"${options[@]}"} ${part[@]+"${part[@]}"} "$@"
    echo "== $(date '+%F %T') exit code $code${stopped:+, stopped by SIG$stopped}"
    [ -z "$stopped" ] || break
    # Done, or an error that a second attempt would meet again. A crash, a kill and a lock held by
    # what is left of a lost node's task may pass.
    case $code in 0 | 2 | 3 | 4 | 5 | 6 | 8 | 9 | 126 | 127) break ;; esac
    [ "$attempt" -lt "${FVC_ATTEMPTS:-3}" ] || break
    attempt=$((attempt + 1))
    run sleep "${FVC_WAIT_SECONDS:-15}"
    [ -z "$stopped" ] || break
    echo "== $(date '+%F %T') attempt $attempt"
done

case $code in
    0) exit 0 ;;
    5) exit "${FVC_SOME_FAILED:-0}" ;;
esac
if [ "$stopped" = USR1 ]; then
    if [ "${SLURM_RESTART_COUNT:-0}" -ge "${FVC_REQUEUES:-20}" ]; then
        echo "== queued again ${SLURM_RESTART_COUNT} times already; FVC_REQUEUES raises the limit"
        exit 1
    fi
    echo "== $(date '+%F %T') time is nearly up: queueing again"
    scontrol requeue "$SLURM_JOB_ID" || exit 1
    # SLURM ends this shell; were it gone before, the job would count as done.
    run sleep 300
fi
exit "$code"
