package summary

import (
	"fmt"
	"strings"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

const maxHeadline = 300

// Headline says in a line how the job ended, where in the user's code it failed,
// and who serves callers. It heads the page, ends the log, and is the first error
// annotation.
func Headline(r *Record) string { return r.settled().headline() }

func (r *Record) headline() string {
	switch {
	case r.green():
		return "✓ " + untrusted.Cut(r.line(r.succeeded()), maxHeadline)
	case len(r.problems) > 0:
		return "✗ " + untrusted.Cut(r.line(r.unsent()), maxHeadline)
	}
	end := with(" – ", r.line(r.ends()))
	return "✗ " + strings.TrimRight(untrusted.Cut(r.line(r.broke()), maxHeadline-len(end)), ".") + end
}

// succeeded says what a green job did.
func (r *Record) succeeded() string {
	deployment := short(r.line(r.deployment))
	switch {
	case r.status == verdict.Ready:
		return fmt.Sprintf("%s is ready after %s: deployment %s serves callers", r.agent, quantity.Span(r.took()), deployment)
	case r.status == verdict.Deployed:
		return fmt.Sprintf("%s is deployed: deployment %s was taken, and is not waited for", r.agent, deployment)
	case r.status == verdict.Planned:
		return fmt.Sprintf("Dry run: %s %s; nothing was sent", r.agent, would(r.change))
	case r.rollout.Serving == revision.ServingOurs:
		return fmt.Sprintf("%s is unchanged: deployment %s serves callers as before", r.agent, deployment)
	}
	return fmt.Sprintf("%s has no new deployment: %s stays", r.agent, deployment)
}

// unsent says that there are problems with the inputs.
func (r *Record) unsent() string {
	if len(r.problems) == 1 {
		return "Nothing was sent: " + r.problems[0].String()
	}
	return fmt.Sprintf("Nothing was sent: %s with the inputs", quantity.Count(len(r.problems), "problem"))
}

// broke says what failed.
func (r *Record) broke() string {
	f := r.failure
	happened := map[verdict.Reason]string{
		verdict.Crash: "crashed on start", verdict.OutOfMemory: "ran out of memory", verdict.NotReady: "did not become ready",
	}[f.Reason]
	if f.Reason == verdict.Crash && r.callers.spent[reachOurs] > 0 {
		happened = "crashed after it took calls"
	}
	cause := r.line(r.why.Cause)
	switch {
	case f.Reason == verdict.Build && r.status == verdict.Failed && r.build != "" && cause != "":
		return fmt.Sprintf("%s: build %s failed: %s", r.agent, short(r.build), cause)
	case happened == "" || f.Reason == verdict.NotReady && r.why.Type == "":
		return fmt.Sprintf("%s: %s", r.agent, f.Message)
	case r.why.Place != nil:
		return fmt.Sprintf("%s %s: %s in %s:%d", r.agent, happened, r.line(r.why.Type), r.line(r.why.Place.File), r.why.Place.Line)
	case cause != "" && r.why.Sure != diagnosis.Weak:
		return fmt.Sprintf("%s %s%s", r.agent, happened, with(": ", cause))
	case f.ExitCode != nil:
		return fmt.Sprintf("%s %s (exit code %d)", r.agent, happened, *f.ExitCode)
	}
	return fmt.Sprintf("%s %s", r.agent, happened)
}

// ends says where a red job leaves the agent, as far as that is known.
func (r *Record) ends() string {
	switch back := r.failure.Rollback; {
	case r.status == verdict.RolledBack:
		return "rolled back to " + r.name(r.restored)
	case back.Superseded():
		return "not rolled back, for someone else deployed meanwhile"
	case back != nil:
		return "the rollback failed too; " + r.serving()
	}
	return r.serving()
}

const unknown = "who serves callers is not known"

// serving says who serves callers at the end of a red job; "" when that is not
// known, or said already.
func (r *Record) serving() string {
	switch {
	case r.status == verdict.Superseded:
		return ""
	case r.accepted == nil:
		return r.untouched()
	case r.outdated():
		return unknown
	case r.now.Serving == revision.ServingNothing:
		return "nothing serves callers"
	case r.now.ServingID != "" && r.now.ServingID == r.deployment:
		return "the new revision takes calls at the moment"
	case r.now.ServingID != "":
		return r.name(r.now.ServingID) + " still serves callers"
	case r.now.Serving == revision.ServingPrevious:
		return "an earlier deployment still serves callers"
	case r.status == verdict.Cancelled:
		return ""
	}
	return unknown
}

// untouched says that a job without an accepted update changed nothing; "" when
// that is not certain. A fault of this program's own may have come after a request.
func (r *Record) untouched() string {
	existing := r.change != nil && !r.change.Create
	switch {
	case r.lost > 0, r.failure.Reason == verdict.Internal:
		return ""
	case r.failure.Reason == verdict.Build, r.status == verdict.Failed && existing:
		return "nothing was changed"
	}
	return ""
}

// outdated reports whether the last read of the agent may not hold anymore.
func (r *Record) outdated() bool {
	unread := func(reason verdict.Reason) bool {
		return reason == verdict.API || reason == verdict.Auth || reason == verdict.Internal
	}
	back := r.failure.Rollback
	return unread(r.failure.Reason) || back != nil && back.Failure != nil && (back.Superseded() || unread(back.Failure.Reason))
}

// name is what people call a deployment: the tag of its image, where that is another
// than the failed one's, or the beginning of its id.
func (r *Record) name(id string) string {
	if p := r.change; p != nil && (p.Image != "" || p.FromBuild) && (id == r.previous || id == r.restored) {
		if t := tag(r.line(p.PreviousImage)); t != "" && t != tag(p.Image) {
			return t
		}
	}
	return "deployment " + short(r.line(id))
}

// tag is that of an image; "" when it has none, or one that is too long.
func tag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, t, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if len(t) > 128 {
		return ""
	}
	return t
}
