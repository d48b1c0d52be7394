// A job that a view has started: its progress until it has finished.
import { html, useCallback, useEffect, useState } from "../lib.js";
import { ApiError, get } from "../api.js";
import { follow } from "../events.js";
import { link } from "../router.js";
import { Problem, Progress } from "./parts.js";

const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/**
 * Follows one job at a time. `start` takes a function that submits it and returns the job, or
 * something with a `job_id`, or something that is already finished.
 * @param {(result: any) => void} onDone
 */
export function useJob(onDone) {
  const [state, setState] = useState(/** @type {any} */ ({ job: null, busy: false, error: null }));
  const id = state.job?.id;

  const start = useCallback(async (submit) => {
    setState({ job: null, busy: true, error: null });
    try {
      const answer = await submit();
      const jobId = answer.id?.startsWith("job_") ? answer.id : answer.state === "pending" ? answer.job_id : null;
      const job = jobId ? await get(`jobs/${jobId}`) : null;
      if (!job || FINAL.has(job.state)) return finish(job, answer);
      setState({ job, busy: true, error: null, answer });
    } catch (error) {
      setState({ job: null, busy: false, error });
    }
    return undefined;
  }, []);

  const finish = (job, answer) => {
    const failure = job && job.state !== "succeeded" ? new ApiError(422, { ...job.error, detail: job.error?.detail || `the job was ${job.state}` }) : null;
    setState({ job, busy: false, error: failure });
    if (!failure) onDone(answer ?? job);
  };

  useEffect(() => {
    if (!id || !state.busy) return undefined;
    return follow(id, {
      onEvent: async (event) => {
        if (event.type === "progress") setState((before) => ({ ...before, job: { ...before.job, progress: event.data } }));
        if (FINAL.has(event.type)) {
          try {
            finish(await get(`jobs/${id}`), state.answer);
          } catch (error) {
            setState((before) => ({ ...before, busy: false, error }));
          }
        }
      },
      onError: (error) => setState((before) => ({ ...before, busy: false, error })),
    });
  }, [id, state.busy]);

  return { ...state, start };
}

/** The progress of such a job. */
export function JobStatus({ of: watch }) {
  if (watch.error) return html`<${Problem} error=${watch.error} />`;
  if (!watch.busy) return null;
  const { step = 0, total = 0, message = "" } = watch.job?.progress || {};
  return html`<div class="note" role="status">
    <div class="row between wrap"><strong>${message || (watch.job?.state === "queued" ? "Waiting for a worker" : "Working")}</strong>${watch.job && html`<a class="small" href=${link(["jobs", watch.job.id])}>Watch the job</a>`}</div>
    <${Progress} step=${step} total=${total} />
    ${total > 0 && html`<span class="soft small">${step} of ${total}</span>`}
  </div>`;
}
