package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/summary"
)

// findings are the invariants that a run broke, a line each.
type findings []string

func (f *findings) hold(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// broken says which invariants the run broke.
func (r *searchRun) broken() []string {
	f := findings(r.odd)
	r.holdColor(&f)
	r.holdRequests(&f)
	r.holdWords(&f)
	r.holdEnd(&f)
	r.holdReport(&f)
	r.holdKey(&f)
	for _, broken := range [][]string{r.brokenClaims(), r.overdue(), r.brokenSecrets(), r.brokenCalls(), r.brokenBake(), r.brokenBuilds()} {
		f = append(f, broken...)
	}
	return f
}

// holdColor holds that green is the truth, and so is red.
func (r *searchRun) holdColor(f *findings) {
	status, id, green := verdict.Status(r.outputs["status"]), r.outputs["deployment-id"], r.code == 0
	switch status {
	case verdict.Ready, verdict.Unchanged:
		f.hold(r.asked(id) == "" || r.passesForOurs(id), "%s, with deployment %s, whose %s", status, id, r.asked(id))
		if r.inputs["wait-for-ready"] == "false" {
			f.hold(status == verdict.Unchanged, "ready, though nothing was waited for")
			break
		}
		serving, since := r.served()
		f.hold(serving == id, "%s, with deployment %q, while %q serves", status, id, serving)
		// A call and a watch come after it was ready for so long, and their looks may fail.
		later := r.inputs["test-call"] != "" || r.bake > 0
		f.hold(later || r.ended.Sub(since) >= r.minReady, "%s, after it served for %s of %s", status, r.ended.Sub(since), r.minReady)
	case verdict.Planned:
		f.hold(r.inputs["dry-run"] == "true", "planned, though it was to be made")
	case verdict.RolledBack:
		serving, _ := r.served()
		f.hold(len(r.rollbacks) == 1 && serving == r.rollbacks[0], "rolled back, with deployments %q, while %q serves", r.rollbacks, serving)
		if len(r.rollbacks) == 1 {
			f.hold(r.restored(r.rollbacks[0]) == "", "rolled back, but %s", r.restored(r.rollbacks[0]))
		}
	case verdict.Deployed:
		f.hold(r.inputs["wait-for-ready"] == "false", "deployed, though it was to be waited for")
		f.hold(r.asked(id) == "" || r.passesForOurs(id) || r.looksLikeOurs(id), "deployed, with deployment %s, whose %s", id, r.asked(id))
	}
	if status == verdict.Ready || status == verdict.Deployed {
		f.hold(slices.Contains(r.ours, id) || r.passesForOurs(id) || status == verdict.Deployed && r.looksLikeOurs(id), "%s, with deployment %s, which is not this job's", status, id)
	}
	if green && status != verdict.Planned && r.inputs["check-only"] == "" {
		least, most := r.cloud.Scaling("bot")
		for name, have := range map[string]int{"min-agents": least, "max-agents": most} {
			want := r.want(name)
			f.hold(want == "" || want == strconv.Itoa(have) || r.passesForOurs(id) && !r.scales, "%s, and %s is %d and not %s", status, name, have, want)
		}
	}
	// A request that arrives late may meet what someone else has changed since.
	late := slices.ContainsFunc(r.sent, func(q *request) bool { return q.made && q.fault.name == "late" }) && len(r.theirs) > 0
	f.hold(status != verdict.Unchanged || len(r.ours) == 0 || late, "unchanged, though deployment %q was made", r.ours)
	switch verdict.Reason(r.outputs["failure-reason"]) {
	case verdict.Crash, verdict.OutOfMemory:
		f.hold(r.crashed(id), "%s, though no poll shows that %s crashes", r.outputs["failure-reason"], id)
	}
	f.hold(!r.calm || green, "red, though nothing went wrong: %s", r.outputs["failure-message"])
}

// holdRequests holds that one request makes one deployment at most, and is not made
// again once it is refused, nor after the job was stopped.
func (r *searchRun) holdRequests(f *findings) {
	status := verdict.Status(r.outputs["status"])
	overCreated := r.seemsCreated() && len(r.inside) > 0 // the creation seems to have met an agent
	f.hold(len(r.ours) <= 1 || r.againOverOthers() || overCreated, "%d deployments: %q", len(r.ours), r.ours)
	f.hold(len(r.rollbacks) <= 1, "%d rollbacks: %q", len(r.rollbacks), r.rollbacks)
	refused := -1
	for i, q := range r.sent {
		if q.call {
			continue // see brokenCalls
		}
		if q.builds {
			f.hold(r.stopped.IsZero() || !q.began.After(r.stopped), "request %d was sent after the job was stopped", i)
			continue
		}
		if q.rollback && refused >= 0 && !r.sent[refused].rollback {
			f.hold(false, "request %d is a rollback, though request %d was refused", i, refused)
		}
		if q.rollback {
			undo := r.inputs["rollback-on-failure"] == "true" && (len(r.ours) == 1 || r.againOverOthers() || r.othersPass()) && (status == verdict.RolledBack || status == verdict.Failed || status == verdict.TimedOut || status == verdict.Cancelled)
			f.hold(undo, "request %d is a rollback, of %q, with status %s", i, r.ours, status)
			for n, p := range r.sent[:i] {
				lost := p.updates() && !p.rollback && !p.answered && p.path == "/v1/agents/bot"
				f.hold(!lost, "request %d is a rollback, though the response to request %d was lost, and its deployment may be another client's", i, n)
			}
		}
		if refused >= 0 && r.sent[refused].path == "/v1/agents" && q.method == http.MethodPost && q.path == "/v1/agents/bot" {
			refused = -1 // the agent exists, and is updated, once
		}
		if q.method == http.MethodPost && !q.rollback {
			before := slices.IndexFunc(r.sent[:i], func(p *request) bool { return p.updates() })
			for n := i - 1; n > before && before >= 0; n-- {
				if r.sent[n].updates() {
					before = n
				}
			}
			f.hold(before < 0 || slices.ContainsFunc(r.sent[before:i], func(p *request) bool {
				shows := p.look || p.path == "/v1/agents" && p.updates() && !p.made // a creation is answered with the agent that is there
				return shows && p.answered && (p.status == http.StatusOK || p.look && p.status == http.StatusNotFound)
			}), "request %d is sent again, and no read of the agent came before it", i)
		}
		f.hold(q.method == http.MethodGet || refused < 0, "request %d was sent after request %d was refused", i, refused)
		if q.method == http.MethodPost && q.answered && q.fault.name != "garbled" && q.fault.name != "404 in HTML" && slices.Contains([]int{400, 401, 403, 404, 422}, q.status) &&
			!slices.ContainsFunc(r.sent[:i], func(p *request) bool { return p.made }) { // or it is a repeat that is refused
			refused = i
		}
		f.hold(r.stopped.IsZero() || !q.began.After(r.stopped), "request %d was sent after the job was stopped", i)
		f.hold(q.took <= 30*time.Second, "request %d took %s", i, q.took)
	}
	f.hold(r.inputs["dry-run"] != "true" || !slices.ContainsFunc(r.sent, func(q *request) bool { return q.method != http.MethodGet }), "a dry run sends an update")
	f.hold(!r.invalid || len(r.sent) == 0, "%d requests with inputs that are wrong", len(r.sent))
}

// holdWords holds that what the job says of the agent is so.
func (r *searchRun) holdWords(f *findings) {
	status, id, last := verdict.Status(r.outputs["status"]), r.outputs["deployment-id"], r.cloud.Deployments("bot")
	said := r.log.String() + r.summary
	for _, none := range []string{"nothing was deployed", "nothing was changed", "before anything was changed", "nothing was sent"} {
		f.hold(!strings.Contains(said, none) || len(r.ours) == 0, "it says %q, though deployment %q was made", none, r.ours)
	}
	f.hold(status != verdict.Unchanged || id == r.outputs["previous-deployment-id"], "unchanged, from deployment %q to %q", r.outputs["previous-deployment-id"], id)
	if status == verdict.Superseded {
		f.hold(len(last) > 0 && r.theirs[last[len(last)-1]] != (time.Time{}) || len(r.ours)+len(r.rollbacks) == 0 && len(r.theirs) > 0 || r.againOverOthers() || r.seemsCreated() || r.passesForOurs(id),
			"superseded, though nobody else deployed after it")
	}
}

// holdEnd holds that the job ends in time, and is not silent for long.
func (r *searchRun) holdEnd(f *findings) {
	status := verdict.Status(r.outputs["status"])
	first := slices.IndexFunc(r.sent, func(q *request) bool { return q.updates() })
	if first >= 0 {
		took := r.ended.Sub(r.sent[first].began)
		limit := r.waitTimeout + time.Second
		if r.inputs["rollback-on-failure"] == "true" {
			limit *= 2
		}
		limit += r.callTimeout + r.bake + 10*time.Second
		if r.bake > 0 {
			limit += 70 * time.Second // in which it may serve again
		}
		f.hold(took <= limit, "took %s from the update on, with a wait-timeout of %s", took, r.waitTimeout)
	} else {
		const reads = 5 * (5*10 + 4*30) * time.Second
		limit := r.buildTimeout + reads
		if slices.ContainsFunc(r.sent, func(q *request) bool { return q.stores }) {
			limit += r.waitTimeout
		}
		if r.inputs["check-only"] != "" {
			limit += r.waitTimeout + r.callTimeout + r.bake
		}
		f.hold(r.ended.Sub(r.began) <= limit, "took %s, without an update", r.ended.Sub(r.began))
	}
	if !r.stopped.IsZero() {
		f.hold(r.ended.Sub(r.stopped) < 2*time.Second, "took %s to stop", r.ended.Sub(r.stopped))
	}
	f.hold(status != verdict.Cancelled || !r.stopped.IsZero(), "cancelled, though nobody stopped it")
	// A read may be held off for half a minute, and then hang, and then show
	// what another half minute of polls shows.
	// So may a write, and an upload for a minute.
	f.hold(r.log.silence <= 92*time.Second, "silent for %s", r.log.silence)
}

// holdReport holds that exit code, outputs, page and log agree.
func (r *searchRun) holdReport(f *findings) {
	status, id, green := verdict.Status(r.outputs["status"]), r.outputs["deployment-id"], r.code == 0
	f.hold(slices.Contains(verdict.Statuses(), status), "status %q", status)
	f.hold(green == status.OK(), "exit code %d with status %s", r.code, status)
	f.hold(len(r.outputs) == len(summary.OutputTable()), "%d outputs", len(r.outputs))
	f.hold((r.outputs["failure-reason"] == "") == green && (r.outputs["failure-message"] == "") == green,
		"status %s with failure-reason %q and failure-message %q", status, r.outputs["failure-reason"], r.outputs["failure-message"])
	for i, q := range r.sent {
		taken := q.updates() && q.answered && q.fault.whole && q.status == http.StatusOK && q.ended.Before(r.ended)
		clear := r.answerLag+r.torn == 0 && len(r.inside) == 0 // it shows the deployment that it made, as it is
		if r.inputs["websocket-auth"] != "" && !r.showAuth {   // whether that is so already is not shown
			clear = false
		}
		if q.path == "/v1/agents" && !q.made { // it shows the agent that was there
			clear = false
		}
		f.hold(!taken || !clear || id != "", "no deployment-id, though request %d was answered", i)
	}
	f.hold(strings.HasPrefix(r.summary, "## ✓") == green && (green || strings.HasPrefix(r.summary, "## ✗")), "a summary that begins %.40q with status %s", r.summary, status)
	if row := "| Status | `"; strings.Contains(r.summary, row) {
		f.hold(strings.Contains(r.summary, row+string(status)+"` |"), "a summary without status %s", status)
	}
	f.hold(len(r.summary) < 1<<20, "a summary of %d bytes", len(r.summary))
	errs := 0
	for _, c := range ghatest.Commands(r.log.String()) {
		f.hold(slices.Contains([]string{"add-mask", "group", "endgroup", "notice", "warning", "error"}, c.Name), "the runner obeys %+v", c)
		f.hold(len(c.Properties) == 0 || len(c.Properties) == 1 && c.Properties["title"] != "" || r.config != "", "an annotation with %v", c.Properties)
		if c.Name == "error" {
			errs++
		}
	}
	f.hold((errs > 0) == !green, "%d errors are annotated with status %s", errs, status)
	away := strings.Count(r.log.String(), "Still waiting: ") - strings.Count(r.log.String(), "The API is reachable again")
	waits := 1
	if slices.ContainsFunc(r.sent, func(q *request) bool { return q.rollback }) {
		waits = 2
	}
	f.hold(away >= 0 && away <= waits, "the API's absence is reported to begin %d times more than to end", away)
}

// holdKey holds that the key is nowhere.
func (r *searchRun) holdKey(f *findings) {
	log := strings.Replace(r.log.String(), "::add-mask::"+searchKey+"\n", "", 1)
	for where, text := range map[string]string{"log": log, "summary": r.summary, "outputs": fmt.Sprint(r.outputs)} {
		f.hold(!strings.Contains(text, searchKey), "the %s shows the key", where)
	}
}

// brokenClaims says what the headline says of who serves callers, and looks do not
// show.
func (r *searchRun) brokenClaims() (broken []string) {
	headline, _, _ := strings.Cut(r.summary, "\n")
	var now simulator.Seen
	for _, q := range r.sent {
		if q.isRead() {
			now = q.seen
		}
	}
	if strings.Contains(headline, "is still serving calls") && !now.Available {
		broken = append(broken, fmt.Sprintf("it says %q, though nothing serves callers", headline))
	}
	if strings.Contains(headline, "nothing serves calls") && now.Available {
		broken = append(broken, fmt.Sprintf("it says %q, though callers are served", headline))
	}
	return broken
}

// overdue says what looks have shown for long, without an end of the job: that
// someone else's deployment is wanted, that the platform will not run this job's, or that it
// crashes or cannot be pulled. What the last request was answered with may take half a minute
// to be understood.
func (r *searchRun) overdue() []string {
	id, known := r.outputs["deployment-id"], r.knownErrors()
	if i := slices.IndexFunc(r.sent, func(q *request) bool { return q.rollback }); i >= 0 {
		return nil // held before it
	}
	since, looks := map[string]time.Time{}, map[string]int{}
	var before time.Time // the look before
	for _, q := range r.sent {
		if q.updates() {
			clear(since)
			clear(looks)
		}
		if !q.isRead() || q.fault.name == "garbled" {
			continue
		}
		s, ours := q.seen, q.seen.Desired == id && id != ""
		reason := ""
		if s.Health != nil && s.Reconciled && ours {
			reason = strings.ToLower(s.Health.Reason)
		}
		for what, shows := range map[string]bool{
			"another client's deployment is wanted": id != "" && !r.theirs[s.Desired].IsZero() && s.Desired != id && !r.theirs[s.Desired].Before(r.madeAt(id)),
			"the platform will not run it":          ours && slices.ContainsFunc(s.Errors, func(e pipecat.AgentError) bool { return isGrave(e, known, s.Serving) }),
			"it crashes again and again":            reason == "crashloopbackoff",
			"its image cannot be pulled":            slices.Contains([]string{"imagepullbackoff", "errimagepull", "createcontainerconfigerror", "invalidimagename"}, reason),
			"the platform gave it up":               ours && s.Reconciled && s.Failed,
		} {
			if !shows {
				delete(since, what)
				delete(looks, what)
				continue
			}
			if since[what].IsZero() {
				since[what] = q.ended
			}
			if looks[what]++; looks[what] > 6 && before.Sub(since[what]) > 75*time.Second {
				return []string{fmt.Sprintf("%d polls have shown for %s that %s, and it continues", looks[what], before.Sub(since[what]), what)}
			}
		}
		before = q.ended
	}
	return nil
}
