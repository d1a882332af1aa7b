package summary

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/verdict"
)

// Finish tells the verdict: in the log, the outputs and the job summary.
func (r *Report) Finish(v verdict.Verdict) {
	v.Message, v.Detail = r.line(v.Message), r.block(v.Detail)
	if strings.Contains(v.Message, r.line(v.Detail)) { // nothing more to tell
		v.Detail = ""
	}
	r.tell(v)
	if path := r.getenv("GITHUB_OUTPUT"); path != "" {
		r.save(path, r.outputs, v, "No outputs", "The outputs could not be written, so later steps read none; make GITHUB_OUTPUT writable for this step")
	}
	if path := r.getenv("GITHUB_STEP_SUMMARY"); path != "" {
		r.save(path, r.page, v, "No job summary", "The job summary could not be written, and the verdict stands without it; make GITHUB_STEP_SUMMARY writable for this step")
	}
}

// tell ends the log with the verdict.
func (r *Report) tell(v verdict.Verdict) {
	defer r.survive()
	r.log.endGroup()
	last := r.headline(v)
	if !v.Status.OK() && len(r.problems) == 0 {
		last = fmt.Sprintf("✗ %s: %s after %s", r.agent, v.Status, span(r.took()))
		title, at := r.agent+": "+string(v.Reason), place{}
		if p := r.why.Place; p != nil {
			title, at = r.agent+": "+r.why.Type, place{p.File, p.Line}
			last += fmt.Sprintf(", at %s:%d", r.line(p.File), p.Line)
		}
		r.annotate(errorKind, title, v.Message, at)
	}
	if v.Detail != "" {
		r.log.line("In its own words:")
		r.log.foreign(v.Detail)
	}
	r.log.line("%s", cut(last, maxLine))
	if r.why.Hint != "" {
		r.log.line("What to do: %s", cut(r.line(r.why.Hint), maxLine))
	}
	if text := r.serving(v); text != "" {
		r.log.line("%s", text)
	}
}

// save appends what a verdict renders to one of the runner's files.
func (r *Report) save(path string, render func(verdict.Verdict) string, v verdict.Verdict, title, otherwise string) {
	defer r.survive()
	if err := appendFile(path, render(v)); err != nil {
		r.annotate(warningKind, title, fmt.Sprintf("%s: %v", otherwise, cause(err)), place{})
	}
}

// cause leaves out of a file's error what its sentence has said.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// headline says in a line what the job came to.
func (r *Report) headline(v verdict.Verdict) string {
	switch v.Status {
	case verdict.Ready:
		return fmt.Sprintf("✓ %s is ready after %s: deployment %s serves callers", r.agent, span(r.took()), short(r.line(r.deployment)))
	case verdict.Deployed:
		return fmt.Sprintf("✓ %s is deployed: deployment %s was taken, and is not waited for", r.agent, short(r.line(r.deployment)))
	case verdict.Planned:
		return fmt.Sprintf("✓ Dry run: %s %s; nothing was sent", r.agent, would(r.change))
	case verdict.Unchanged:
		if r.look.Serving == poll.ServesOurs {
			return fmt.Sprintf("✓ %s is unchanged: deployment %s serves callers as before", r.agent, short(r.line(r.deployment)))
		}
		return fmt.Sprintf("✓ %s has no new deployment: %s stays", r.agent, short(r.line(r.deployment)))
	}
	if n := len(r.problems); n > 0 {
		return fmt.Sprintf("✗ Nothing was sent: %s with the inputs", plural(n, "problem"))
	}
	if p := r.why.Place; p != nil {
		return fmt.Sprintf("✗ %s crashes at %s:%d: %s", r.agent, r.line(p.File), p.Line, r.line(r.why.Cause))
	}
	return fmt.Sprintf("✗ %s: %s", r.agent, v.Message)
}

// would says what a change comes to that is not made.
func would(c *deploy.Change) string {
	switch {
	case c == nil || c.Before == nil:
		return "would be created"
	case c.OnlyScales():
		return "would be scaled, without a new deployment"
	case c.Idle():
		return "would stay as it is"
	}
	return "would get a new deployment"
}

// serving says who serves callers now, where the headline of a red job leaves
// that open.
func (r *Report) serving(v verdict.Verdict) string {
	untouched := r.taken == nil && !r.lost && v.Status == verdict.Failed
	switch {
	case v.Status.OK(), v.Status == verdict.Superseded, len(r.problems) > 0:
		return ""
	case untouched && r.change != nil && r.change.Before != nil:
		return "Nothing was changed: the agent goes on as before."
	case r.taken == nil:
		return ""
	case v.Reason == verdict.API, v.Reason == verdict.Auth: // the last look is old
	case r.look.Serving == poll.ServesOurs:
		return "The new revision takes calls at the moment."
	case r.look.Server != "":
		return fmt.Sprintf("An earlier deployment, %s, still serves callers.", short(r.line(r.look.Server)))
	case r.look.Serving == poll.ServesPrevious:
		return "An earlier deployment still serves callers."
	case r.look.Serving == poll.ServesNothing:
		return "Nothing serves callers: the agent takes no new sessions."
	}
	return "Whether anything serves callers is not known."
}

func (r *Report) took() time.Duration { return time.Since(r.started) }
