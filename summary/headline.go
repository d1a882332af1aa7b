package summary

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	maxHeadline = 300
	maxCause    = 100 // an exception in it
)

// Headline says in a line how the job ended, where in the user's code it failed,
// and who serves callers. It heads the page, ends the log, and is the first error
// annotation.
func Headline(r *Record) string { return r.settled().headline().String() }

// headline is a headline, and what of a failure it has. A failure's message ends with the
// cause in its diagnosis, so what has the message has the cause as well.
type headline struct {
	mark    string // how the job ended, at a glance
	text    string
	message bool // it has the whole message of the failure, but for a period at its end
	cause   bool // it has the whole cause
}

func (h headline) String() string { return h.mark + " " + h.text }

func (r *Record) headline() headline {
	switch {
	case r.green():
		return headline{mark: "✓", text: untrusted.Cut(r.line(r.succeeded()), maxHeadline)}
	case len(r.problems) > 0:
		return headline{mark: "✗", text: untrusted.Cut(r.line(r.unsent()), maxHeadline)}
	}
	h, end := r.broke(), with(" – ", r.line(r.ends()))
	whole := r.line(h.text)
	cut := untrusted.Cut(whole, maxHeadline-len(end))
	text := strings.TrimRight(cut, ".")
	return headline{"✗", text + end, h.message && cut == whole, (h.message || h.cause) && text == whole}
}

// succeeded says what a green job did.
func (r *Record) succeeded() string {
	p := r.plan
	if p == nil {
		p = &event.Planned{}
	}
	after := quantity.Span(r.took())
	switch {
	case r.status == verdict.Checked:
		return fmt.Sprintf("%s serves calls with %s%s", r.where(), r.version(), r.answered())
	case r.status == verdict.Planned:
		return fmt.Sprintf("Dry run: %s %s; nothing was sent", r.where(), r.would())
	case r.status == verdict.Deployed && p.Create:
		return fmt.Sprintf("Created a new agent %s with %s; not waiting for it to become ready", r.where(), r.version())
	case r.status == verdict.Deployed:
		return fmt.Sprintf("%s was accepted for %s; not waiting for it to become ready", r.capitalVersion(), r.where())
	case r.status == verdict.Ready && p.Create:
		return fmt.Sprintf("Created a new agent %s: %s is live after %s", r.where(), r.version(), after)
	case r.status == verdict.Ready && r.settingsOnly():
		return fmt.Sprintf("New settings are live on %s after %s; the image is unchanged", r.where(), after)
	case r.status == verdict.Ready:
		if r.called != nil {
			return fmt.Sprintf("%s is live on %s%s", r.capitalVersion(), r.where(), r.answered())
		}
		return fmt.Sprintf("%s is live on %s after %s", r.capitalVersion(), r.where(), after)
	case p.ScalingOnly:
		return fmt.Sprintf("Scaled %s: %s", r.agent, r.scaled())
	case r.rollout.Serving == revision.ServingOurs:
		return fmt.Sprintf("Nothing was deployed: %s already runs %s", r.where(), r.version())
	}
	return fmt.Sprintf("Nothing was deployed: %s keeps %s", r.where(), r.version())
}

// answered says how a test call went, at the end of a green headline; "" without one.
func (r *Record) answered() string {
	if r.called == nil {
		return ""
	}
	if at, spoke := r.called.Heard.Answer(); spoke {
		return fmt.Sprintf(" and answered a test call in %.1fs", at.Seconds())
	}
	if r.called.Road == pipecat.Daily { // which nobody heard
		return " and kept the session of a test call live"
	}
	return " and answered a test call"
}

// version is what people call what a job deployed: the tag of its image, or else its
// build or its deployment.
func (r *Record) version() string {
	kind, name := r.named()
	return kind + name
}

// capitalVersion is the version at the beginning of a sentence.
func (r *Record) capitalVersion() string {
	kind, name := r.named()
	return begin(kind) + name // a tag keeps its letters
}

// begin is a text as the beginning of a sentence. It is a matter of display alone:
// nothing is read from the text, whatever its first letter is.
func begin(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if upper := unicode.ToUpper(first); upper != first {
		return string(upper) + text[size:]
	}
	return text
}

// named is the version in two parts: words of ours, and a name. Either may be "".
func (r *Record) named() (kind, name string) {
	if p := r.plan; p != nil {
		if t := tag(r.line(p.Image)); t != "" {
			return "", t
		}
		if t := tag(r.line(p.PreviousImage)); t != "" && !p.FromBuild && p.Image == "" {
			if r.status == verdict.Unchanged {
				return "", t
			}
			return "", t + " with new settings"
		}
		if p.FromBuild && r.build != "" {
			return "build ", short(r.build)
		}
	}
	if t := tag(r.image); r.plan == nil && t != "" {
		return "", t
	}
	if r.plan == nil && r.build != "" {
		return "build ", short(r.build)
	}
	if id := r.line(r.deploymentID); id != "" {
		return "deployment ", short(id)
	}
	return "the new version", ""
}

// where is the agent, with its region where that is known.
func (r *Record) where() string {
	if region := r.line(r.region); region != "" {
		return r.agent + " (" + region + ")"
	}
	return r.agent
}

// scaled is what a change of scaling alone does.
func (r *Record) scaled() string {
	var parts []string
	for _, c := range r.plan.Changes {
		if c.Moves {
			parts = append(parts, c.Name+" "+r.line(row{Change: c}.becomes()))
		}
	}
	return strings.Join(parts, ", ")
}

// unsent says that there are problems with the inputs.
func (r *Record) unsent() string {
	if len(r.problems) == 1 {
		return "Invalid input: " + r.problems[0].String() + " (nothing was sent)"
	}
	return fmt.Sprintf("%s; nothing was sent", quantity.Count(len(r.problems), "invalid input"))
}

// broke says what failed, without a mark.
func (r *Record) broke() headline {
	f := r.failure
	happened := map[verdict.Reason]string{
		verdict.Crash: "crashed on", verdict.OutOfMemory: "ran out of memory on", verdict.NotReady: "did not become ready on",
		verdict.ReasonNoAnswer: "does not answer callers on", verdict.Bake: "failed while it was watched on",
	}[f.Reason]
	if f.Reason == verdict.Crash && r.callers.spent[reachOurs] > 0 {
		happened = "crashed after taking calls on"
	}
	happened = fmt.Sprintf("%s %s %s", r.capitalVersion(), happened, r.where())
	raised, cause := r.line(r.why.Type), r.line(r.why.Cause)
	switch {
	case r.agent == "" && r.status == verdict.Cancelled: // it was stopped before its inputs were read
		return headline{text: f.Message, message: true}
	case r.status == verdict.Superseded && r.newer != "":
		early := " before it was ready"
		if r.callers.spent[reachOurs] > 0 || r.now.ServingID == r.deploymentID {
			early = ""
		}
		return headline{text: fmt.Sprintf("%s on %s was replaced by %s%s: another client has deployed", r.capitalVersion(), r.where(), r.newerVersion(), early)}
	case f.Reason == verdict.Build && r.status == verdict.Failed && r.build != "" && cause != "":
		return headline{text: fmt.Sprintf("Build %s for %s failed: %s", short(r.build), r.agent, cause), cause: true}
	case (f.Reason == verdict.ReasonNoAnswer || f.Reason == verdict.Bake) && r.why.Place == nil:
		return headline{text: happened + ": " + f.Message, message: true}
	case r.cannotStart():
		return headline{text: fmt.Sprintf("%s cannot start on %s: %s", r.capitalVersion(), r.where(), cause), cause: true}
	case f.Reason != verdict.Crash && f.Reason != verdict.OutOfMemory && f.Reason != verdict.ReasonNoAnswer && f.Reason != verdict.Bake && (f.Reason != verdict.NotReady || r.why.Type == ""):
		return headline{text: fmt.Sprintf("%s: %s", r.subject(), f.Message), message: true}
	case r.why.Place != nil:
		return headline{text: fmt.Sprintf("%s: %s in %s:%d", happened, raised, r.line(r.why.Place.File), r.why.Place.Line), cause: cause == raised}
	case r.why.Type != "" && len(cause) > maxCause: // the page and the annotation have the rest
		return headline{text: happened + ": " + raised, cause: cause == raised}
	case cause != "" && r.why.Sure != diagnosis.Possible:
		return headline{text: happened + ": " + cause, cause: true}
	case f.ExitCode != nil:
		return headline{text: fmt.Sprintf("%s (exit code %d)", happened, *f.ExitCode)}
	}
	return headline{text: happened}
}

// cannotStart reports whether the platform has an error for the deployment, which then
// says more than the failure's message.
func (r *Record) cannotStart() bool {
	return r.failure.Code != "" && r.accepted != nil && r.why.Cause != "" && (r.status == verdict.Failed || r.status == verdict.RolledBack)
}

// subject is what a failure is about: the agent, and the version for it where that is
// known.
func (r *Record) subject() string {
	switch p := r.plan; {
	case r.isCheck():
		return r.capitalVersion() + " on " + r.where()
	case p == nil:
		return r.agent
	case tag(r.line(p.Image)) != "", p.FromBuild && r.build != "":
		return r.capitalVersion() + " on " + r.where()
	}
	return r.where()
}

// newerVersion is what people call the deployment that replaced this job's.
func (r *Record) newerVersion() string {
	if t := tag(r.line(r.newerImage)); t != "" && t != r.version() {
		return t
	}
	return "deployment " + short(r.line(r.newer))
}

// ends says where a red job leaves the agent, as far as that is known.
func (r *Record) ends() string {
	switch back := r.failure.Rollback; {
	case r.status == verdict.RolledBack:
		return "rolled back to " + r.name(r.restored)
	case back.Superseded():
		return "not rolled back: another client has deployed since"
	case back != nil:
		return "the rollback failed, too; " + r.serving()
	}
	return r.serving()
}

const unknown = "which version serves calls is unknown"

// serving says what serves calls at the end of a red job; "" when that is not
// known, or said already.
func (r *Record) serving() string {
	switch {
	case r.status == verdict.Superseded:
		return ""
	case r.accepted == nil && !r.isCheck():
		return r.untouched()
	case r.outdated():
		return unknown
	case r.now.Serving == revision.ServingNothing:
		return "nothing serves calls"
	case r.meetSilence() && r.isNew():
		return "calls go to the failed version"
	case r.meetSilence():
		return "callers reach it"
	case r.now.ServingID != "" && r.now.ServingID == r.deploymentID && r.isNew():
		return "the new version is serving calls at the moment"
	case r.now.ServingID != "" && r.now.ServingID == r.deploymentID:
		return "it is serving calls at the moment"
	case r.now.ServingID != "":
		return r.name(r.now.ServingID) + " is still serving calls"
	case r.now.Serving == revision.ServingPrevious:
		return "an earlier deployment is still serving calls"
	case r.status == verdict.Cancelled:
		return ""
	}
	return unknown
}

// isCheck reports whether the job judges a deployment, and makes none (check-only).
func (r *Record) isCheck() bool { return r.plan == nil && r.accepted == nil && r.deploymentID != "" }

// isNew reports whether the job made the deployment.
func (r *Record) isNew() bool { return r.accepted != nil && !r.accepted.Unchanged() }

// meetSilence reports whether calls go to a deployment that does not answer them.
func (r *Record) meetSilence() bool {
	return r.failure.Reason == verdict.ReasonNoAnswer && r.now.ServingID != "" && r.now.ServingID == r.deploymentID
}

// risk says what may come of a failed deployment that stays the target; "" where
// that is not so, or not known.
func (r *Record) risk() string {
	failed := r.status == verdict.Failed || r.status == verdict.TimedOut
	if !failed || !r.isNew() || r.now.Serving == revision.ServingNothing || r.outdated() || r.failure.Rollback.Superseded() {
		return ""
	}
	switch late := r.isLate(); {
	case r.now.ServingID == r.deploymentID && late:
		return "The new version stays the target, and callers reach it."
	case r.now.ServingID == r.deploymentID:
		return "The failed version stays the target: callers reach it until it is rolled back or replaced."
	case late:
		return "The rollout continues without this job: the new version takes calls once it is ready."
	}
	return "The failed version stays the target: a restart or scale-up would use it."
}

// isLate reports whether the time was up for a deployment that may become ready yet.
func (r *Record) isLate() bool {
	switch r.failure.Reason {
	case verdict.NotReady, verdict.NotScheduled, verdict.Infrastructure:
		return r.status == verdict.TimedOut && r.failure.Rollback == nil
	}
	return false
}

// untouched says that a job without an accepted update changed nothing; "" when
// that is not certain, or where the failure says what became of secrets. A fault of this program's own may have come after a request.
func (r *Record) untouched() string {
	existing := r.plan != nil && !r.plan.Create
	switch {
	case r.responsesLost > 0, r.plan != nil && r.plan.Secrets != nil, r.failure.Reason == verdict.Internal:
		return ""
	case r.failure.Cause == verdict.NotPacked:
		return "nothing was sent"
	case r.failure.Reason == verdict.Build, r.failure.Reason == verdict.Inputs, r.status == verdict.Failed && existing:
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
	if p := r.plan; p != nil && (p.Image != "" || p.FromBuild) && (id == r.previous || id == r.restored) {
		if t := tag(r.line(p.PreviousImage)); t != "" && t != tag(p.Image) {
			return t
		}
	}
	return "deployment " + short(r.line(id))
}

// tag is that of an image; "" when it has none, or one that is too long. A commit's
// whole hash is cut to what git and people call it.
func tag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, t, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if len(t) > 128 {
		return ""
	}
	if m := hash.FindStringSubmatch(t); m != nil {
		return m[1]
	}
	return t
}

var hash = regexp.MustCompile(`^((?:sha-)?[0-9a-f]{7})[0-9a-f]{33}$`)
