package summary

import (
	"fmt"
	"strings"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// headline says in a line what the job came to, where in the user's code, and
// who serves callers. It heads the summary, ends the log, and is the first
// error annotation.
func (r *Report) headline(v verdict.Verdict) string {
	switch {
	case v.Status.OK():
		return "✓ " + cut(r.line(r.worked(v)), maxHeadline)
	case len(r.problems) > 0:
		return "✗ " + cut(r.line(r.unsent()), maxHeadline)
	}
	end := with(" – ", r.line(r.ends(v)))
	return "✗ " + strings.TrimRight(cut(r.line(r.broke(v)), maxHeadline-len(end)), ".") + end
}

// worked says what a green job came to.
func (r *Report) worked(v verdict.Verdict) string {
	switch v.Status {
	case verdict.Ready:
		return fmt.Sprintf("%s is ready after %s: deployment %s serves callers", r.agent, span(r.took()), short(r.line(r.deployment)))
	case verdict.Deployed:
		return fmt.Sprintf("%s is deployed: deployment %s was taken, and is not waited for", r.agent, short(r.line(r.deployment)))
	case verdict.Planned:
		return fmt.Sprintf("Dry run: %s %s; nothing was sent", r.agent, would(r.change))
	}
	if v.Status == verdict.Unchanged && r.look.Serving == poll.ServesOurs {
		return fmt.Sprintf("%s is unchanged: deployment %s serves callers as before", r.agent, short(r.line(r.deployment)))
	}
	return fmt.Sprintf("%s has no new deployment: %s stays", r.agent, short(r.line(r.deployment)))
}

// unsent says that there are problems with the inputs.
func (r *Report) unsent() string {
	if len(r.problems) == 1 {
		return "Nothing was sent: " + r.problems[0].String()
	}
	return fmt.Sprintf("Nothing was sent: %s with the inputs", plural(len(r.problems), "problem"))
}

// broke says what failed.
func (r *Report) broke(v verdict.Verdict) string {
	happened := map[verdict.Reason]string{
		verdict.Crash: "crashed on start", verdict.OutOfMemory: "ran out of memory", verdict.NotReady: "did not become ready",
	}[v.Reason]
	if v.Reason == verdict.Crash && r.callers.ours > 0 {
		happened = "crashed after it took calls"
	}
	cause := r.line(r.why.Cause)
	switch {
	case v.Reason == verdict.Build && v.Status == verdict.Failed && r.build != "" && cause != "" && cause != v.Message:
		return fmt.Sprintf("%s: build %s failed: %s", r.agent, short(r.build), cause)
	case happened == "" || v.Reason == verdict.NotReady && r.why.Type == "":
		return fmt.Sprintf("%s: %s", r.agent, v.Message)
	case r.why.Place != nil:
		return fmt.Sprintf("%s %s: %s in %s:%d", r.agent, happened, r.line(r.why.Type), r.line(r.why.Place.File), r.why.Place.Line)
	case cause != v.Message:
		return fmt.Sprintf("%s %s%s", r.agent, happened, with(": ", cause))
	case v.Exit != nil:
		return fmt.Sprintf("%s %s (exit code %d)", r.agent, happened, *v.Exit)
	}
	return fmt.Sprintf("%s %s", r.agent, happened)
}

// ends says where a red job leaves the agent, as far as that is known.
func (r *Report) ends(v verdict.Verdict) string {
	switch {
	case v.Status == verdict.RolledBack:
		return "rolled back to " + r.name(r.undone)
	case v.Rollback != nil && v.Rollback.Status == verdict.Superseded:
		return "not rolled back, for someone else deployed meanwhile"
	case v.Rollback != nil:
		return "the rollback failed too; " + r.serving(v)
	}
	return r.serving(v)
}

// serving says who serves callers at the end of a red job; "" when that is not
// known, or said already.
func (r *Report) serving(v verdict.Verdict) string {
	switch {
	case v.Status == verdict.Superseded:
		return ""
	case r.taken == nil && !r.lost && v.Reason == verdict.Build,
		r.taken == nil && !r.lost && v.Status == verdict.Failed && r.change != nil && r.change.Before != nil:
		return "nothing was changed"
	case r.taken == nil:
		return ""
	case r.stale(v):
		return unknown
	case r.now.Serving == poll.ServesNothing:
		return "nothing serves callers"
	case r.now.Server != "" && r.now.Server == r.deployment:
		return "the new revision takes calls at the moment"
	case r.now.Server != "":
		return r.name(r.now.Server) + " still serves callers"
	case r.now.Serving == poll.ServesPrevious:
		return "an earlier deployment still serves callers"
	case v.Status == verdict.Cancelled:
		return ""
	}
	return unknown
}

const unknown = "who serves callers is not known"

// stale reports whether the last look at the agent is an old one.
func (r *Report) stale(v verdict.Verdict) bool {
	if v.Rollback != nil && r.stale(*v.Rollback) || v.Rollback != nil && v.Rollback.Status == verdict.Superseded {
		return true
	}
	return v.Reason == verdict.API || v.Reason == verdict.Auth
}

// name is what people call a deployment: the tag of its image, where that tells
// it from the one that failed, or the beginning of its id.
func (r *Report) name(id string) string {
	if b := r.change; b != nil && b.Before != nil && b.Before.Deployment != nil && b.Artefact != (deploy.Artefact{}) && (id == r.previous || id == r.undone) {
		image := r.line(b.Before.Deployment.Manifest.Spec.Image)
		if t := tag(image); t != "" && t != tag(b.Artefact.Image) {
			return t
		}
	}
	return "deployment " + short(r.line(id))
}

// tag is that of an image, "" when it has none or is too long to be one.
func tag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, t, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if len(t) > 128 {
		return ""
	}
	return t
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
