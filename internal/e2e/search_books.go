package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// madeAt is when a deployment of this job's was made, about; zero when it was not.
func (r *searchRun) madeAt(id string) (at time.Time) {
	for _, q := range r.sent {
		if q.made && slices.Contains(r.ours, id) {
			at = q.began
		}
	}
	return at
}

// isGrave reports whether an error is one by which the platform refuses to run a
// deployment, given those that it had before: while it serves, one with the code of one
// of these says the same in other words.
func isGrave(e pipecat.AgentError, known []pipecat.AgentError, serves bool) bool {
	same := func(k pipecat.AgentError) bool { return k.Code == e.Code && k.Code != "" }
	if serves && slices.ContainsFunc(known, same) {
		return false
	}
	return e != pipecat.AgentError{} && !slices.Contains(known, e) && !strings.Contains(strings.ToUpper(e.Code+" "+e.Message), "RATE_LIMIT")
}

// knownErrors are those that the last read before the update showed. A creation that
// meets an agent becomes an update.
func (r *searchRun) knownErrors() (errs []pipecat.AgentError) {
	for _, q := range r.sent {
		if q.method == http.MethodPost && q.path == "/v1/agents/bot" {
			return errs
		}
		if q.updates() && !r.exists && len(r.inside) == 0 {
			return errs
		}
		if q.isRead() {
			errs = q.seen.Errors
		}
	}
	return errs
}

// served is the deployment that served at the last poll that got through, and
// since when polls have shown so. A poll that shows an error of the deployment's own
// does not show that it serves, and more than two in a row that did not get through
// show nothing of the time between.
func (r *searchRun) served() (id string, since time.Time) {
	known, failed := r.knownErrors(), 0
	if i := slices.IndexFunc(r.sent, func(q *request) bool { return q.rollback }); i >= 0 {
		for _, q := range r.sent[:i] { // those of what failed are not the rollback's
			if q.isRead() {
				known = q.seen.Errors
			}
		}
	}
	isOurs := func(e pipecat.AgentError) bool { return isGrave(e, known, true) }
	for i, q := range r.sent {
		switch {
		case !q.look:
			continue
		case i+1 < len(r.sent) && r.sent[i+1].call && r.sent[i+1].method == http.MethodPost && r.theirs[q.seen.Desired].IsZero():
			continue // it says where to call; the call shows whether that serves
		case !q.isRead():
			if failed++; failed > 2 {
				since = time.Time{}
			}
			continue
		}
		failed = 0
		serving := ""
		if q.seen.Serving && !slices.ContainsFunc(q.seen.Errors, isOurs) {
			serving = q.seen.Desired
		}
		if serving != id || since.IsZero() {
			id, since = serving, q.ended
		}
	}
	return id, since
}

// againOverOthers reports whether this job's update made a second deployment only
// because someone else's replaced the first before a read could show that, and because the API
// had said that the first was not accepted: without the other's the second request changes nothing.
// Of an agent that exists, a forced one does, so that no poll may have shown the first.
func (r *searchRun) againOverOthers() bool {
	all := r.cloud.Deployments("bot")
	if len(r.ours) != 2 || r.theirs[all[slices.Index(all, r.ours[1])-1]].IsZero() {
		return false
	}
	first := slices.IndexFunc(r.sent, func(q *request) bool { return q.made })
	replaced := r.theirs[all[slices.Index(all, r.ours[0])+1]]
	shown := slices.ContainsFunc(r.sent[first:], func(q *request) bool {
		return q.isRead() && q.began.Before(replaced.Add(r.lag())) // or could be
	})
	if forced := r.exists && r.inputs["force-redeploy"] == "true"; forced && (shown || replaced.IsZero()) {
		return false
	}
	return slices.ContainsFunc(r.sent, func(q *request) bool {
		return q.made && (q.fault.name == "429 after it" || q.fault.name == "409 after it")
	})
}

// othersPass reports whether a deployment of someone else's passes for this job's.
func (r *searchRun) othersPass() bool {
	for id := range r.theirs {
		if r.passesForOurs(id) {
			return true
		}
	}
	return false
}

// crashed reports whether looks have shown that a deployment crashes: that the platform
// gave it up, that it looped at two polls in a row, or that it restarted too often while it
// did not serve.
func (r *searchRun) crashed(id string) bool {
	forgiven, err := strconv.Atoi(r.inputs["max-restarts"])
	if err != nil {
		forgiven = 2
	}
	looping, first := false, -1
	for _, q := range r.sent {
		h := q.seen.Health
		if !q.isRead() || q.seen.Desired != id || !q.seen.Reconciled { // it says nothing of the deployment
			continue
		}
		if h == nil {
			looping = false
			continue
		}
		restarts := h.Restarts()
		if slices.Contains(r.before, id) && !r.seemsCreated() { // which may have restarted in a long life
			if first < 0 || restarts < first {
				first = restarts
			}
			restarts -= first
		}
		loops := strings.EqualFold(h.Reason, "CrashLoopBackOff")
		if q.seen.Failed || loops && looping || !q.seen.Serving && restarts > forgiven*max(1, h.ReplicasStarted) {
			return true
		}
		looping = loops
	}
	return false
}

// seemsCreated reports whether nothing distinguishes an agent that was there from one that
// this job has created: a read has missed it and does not say when that was.
func (r *searchRun) seemsCreated() bool {
	undated := func(q *request) bool { return q.look && q.status == http.StatusNotFound && !q.dated }
	return slices.ContainsFunc(r.sent, undated)
}

// passesForOurs reports whether nothing distinguishes a deployment of someone else's from
// this job's own: it has what was asked for, and was made inside a request of this job's, or so
// late that no read before the update could show it.
func (r *searchRun) passesForOurs(id string) bool {
	made, ok := r.theirs[id]
	if !ok && !slices.Contains(r.before, id) || r.showsOther(id) {
		return false
	}
	var looked time.Time
	for _, q := range r.sent {
		if q.updates() {
			break
		}
		if q.look && q.answered {
			looked = q.began
		}
	}
	if r.seemsCreated() {
		return true
	}
	return slices.Contains(r.inside, id) || !made.Before(looked.Add(-r.lag()))
}

// looksLikeOurs reports whether documents show another client's deployment, which was made
// inside this job's update, with what this job has asked for, until they are whole: a job
// that does not wait reads no other.
func (r *searchRun) looksLikeOurs(id string) bool {
	other, _, _ := strings.Cut(r.asked(id), " ")
	if other == "build-id" { // which is the image's
		other = "image"
	}
	return r.torn > 0 && slices.Contains(r.inside, id) && slices.Contains(r.tornSettings, other)
}

// restored says what of the deployment with the given id is not as it was before
// the job. Of WebSocket authorization the platform does not report what it was.
func (r *searchRun) restored(id string) string {
	was, is := r.cloud.Manifest("bot", r.outputs["previous-deployment-id"]), r.cloud.Manifest("bot", id)
	was.WebsocketAuth, is.WebsocketAuth = "", ""
	was.MaxSession, is.MaxSession = cmp.Or(was.MaxSession, 7200), cmp.Or(is.MaxSession, 7200) // which is the platform's own
	if was != is {
		return fmt.Sprintf("%+v is not %+v", is, was)
	}
	return ""
}

// showsOther reports whether documents show that the deployment with the given id is
// not as asked for.
func (r *searchRun) showsOther(id string) bool {
	other := r.asked(id)
	return other != "" && (r.showAuth || !strings.HasPrefix(other, "websocket-auth"))
}

// asked says what of the deployment with the given id is not as asked for.
func (r *searchRun) asked(id string) string {
	m := r.cloud.Manifest("bot", id)
	for _, s := range []struct{ name, have string }{
		{"image", m.Image}, {"build-id", m.BuildID}, {"secret-set", m.SecretSet}, {"agent-profile", m.Profile},
		{"image-credentials", m.PullSecret}, {"max-session-duration", strconv.Itoa(m.MaxSession)},
		{"krisp-viva-audio-filter", cmp.Or(m.AudioFilter, "none")}, {"websocket-auth", m.WebsocketAuth},
	} {
		if want := r.want(s.name); want != "" && s.have != want {
			return fmt.Sprintf("%s is %q, and not %q", s.name, s.have, want)
		}
	}
	return ""
}

// requests lists what was sent, and what became of it.
func (r *searchRun) requests() string {
	var b strings.Builder
	for i, q := range r.sent {
		fmt.Fprintf(&b, "%3d %7.1fs %4s %s: %s %d, after %s; %s\n", i, q.began.Sub(r.began).Seconds(), q.method, q.path, q.fault.name, q.status, q.took, shown(q.seen))
	}
	fmt.Fprintf(&b, "deployments: %q, of these by this job: %q, by others: %v", r.cloud.Deployments("bot"), r.ours, r.theirs)
	return b.String()
}

// shown is what a poll showed, in short.
func shown(s simulator.Seen) string {
	if s.Desired == "" {
		return ""
	}
	text := fmt.Sprintf("%.8s", s.Desired)
	for what, is := range map[string]bool{" reconciled": s.Reconciled, " serves": s.Serving, " failed": s.Failed} {
		if is {
			text += what
		}
	}
	if s.Health != nil {
		text += fmt.Sprintf(" %q %d/%d", s.Health.Reason, s.Health.Restarts(), s.Health.ReplicasStarted)
	}
	return fmt.Sprintf("%s, errors %.100q", text, s.Errors)
}
