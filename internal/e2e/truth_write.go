package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// onceCases are about the update: one deployment, whatever comes back, and no word on
// it before the agent was read.
func onceCases() (cases []truth) {
	ready := doc(d2, v2).ready()
	one := doc(d1, v1).ready()
	page := func(status int) answer { return says(status, "<html>no</html>") }
	elsewhere := answer{status: 302, body: "", header: http.Header{"Location": {"https://elsewhere.example/"}}}
	for name, a := range map[string]answer{
		"302": elsewhere, "302 without an address": says(302, ""), "307": says(307, ""), "403": page(403), "404": page(404), "408": refuses(408, "slow"), "409": refuses(409, "busy"),
		"410": refuses(410, "gone"), "418": says(418, "{}"), "425": refuses(425, "early"), "429": refuses(429, "slow down"),
		"429 with a time": {status: 429, body: `{"error":"slow down"}`, header: http.Header{"Retry-After": {"3"}}},
		"500":             refuses(500, "boom"), "502": page(502), "503": page(503), "504": says(504, ""), "599": says(599, ""), "close": closed,
		"200 in HTML": page(200), "200 of nothing": says(200, ""), "204": says(204, ""), "200 cut short": says(200, `{"name":"demo-agent","des`), "200 of no agent": says(200, document{}), "200 of an error": refuses(200, "no"),
		"401 in HTML": page(401), "400 in HTML": page(400), "405": refuses(405, "no"), "412": refuses(412, "no"), "413": page(413),
	} {
		cases = append(cases, truth{name: "taken, then " + name, answer: a, reads: over(ready), status: "ready", id: d2})
		// Where the platform is busy and a second update would make no second deployment,
		// it may be sent again sooner.
		late := truth{name: "taken, then " + name + ", and shown late", inputs: inputs("wait-timeout", "45"), answer: a, reads: over(one, 6, ready), status: "ready", id: d2}
		if a.status == 409 || a.status == 429 {
			late.writes = -1
		}
		forced := truth{name: "forced and taken, then " + name + ", and shown late", inputs: noImage("force-redeploy", "true", "wait-timeout", "45"), answer: a, reads: over(one, 6, doc(d2, v1).ready()), status: "ready", id: d2}
		cases = append(cases, late, forced, truth{name: "taken, then " + name + ", and crashes", answer: a, reads: over(doc(d2, v2).crashes()), status: "failed", reason: "crash"},
			truth{name: "never taken, " + name, inputs: inputs("wait-timeout", "40"), answer: a, reads: over(one), status: "red", writes: -1, check: lastIsRead},
			truth{name: "another took over, " + name, inputs: inputs("rollback-on-failure", "true"), answer: a, reads: over(doc(d3, v9).ready()), status: "red", writes: -1, check: lastIsRead},
			truth{name: "forced and taken, then " + name, inputs: noImage("force-redeploy", "true"), answer: a, reads: over(doc(d2, v1).ready()), status: "ready", id: d2},
		)
		switch name {
		case "408", "409", "429", "429 with a time", "500", "502", "503", "504", "close":
			cases = append(cases, truth{name: "taken at the second, after " + name, inputs: inputs("wait-timeout", "45"), answer: a, then: []write{{pending(v2), over(pending(v2), 2, ready)}}, status: "ready", id: d2, writes: 2})
		}
	}
	scaled := one.with("autoScaling.minReplicas", 2)
	for _, status := range []int{409, 429, 500, 502, 503, 504} {
		cases = append(cases, truth{name: fmt.Sprintf("scaling taken, then %d", status), inputs: noImage("min-agents", "2"), answer: says(status, ""), reads: over(scaled), status: "green", id: d1},
			truth{name: fmt.Sprintf("scaling never taken, %d", status), inputs: noImage("min-agents", "2"), answer: says(status, ""), reads: over(one), status: "red", writes: -1})
	}
	for _, status := range []int{400, 401, 403, 404, 422} {
		cases = append(cases, truth{name: fmt.Sprintf("refused %d", status), answer: says(status, document{"error": "the platform's words"}), reads: over(one), status: "failed", within: 10 * time.Second, log: []string{"the platform's words"}, check: lastIsRead})
	}
	lost := says(502, "<html>")
	for _, status := range []int{302, 400, 405, 410, 418, 451} {
		cases = append(cases, truth{name: fmt.Sprintf("lost, and a read of %d", status), answer: lost, reads: inTurn(says(status, ""), ready), status: "ready", id: d2},
			truth{name: fmt.Sprintf("lost, and reads of %d for good", status), answer: lost, reads: over(says(status, "")), status: "red"},
			truth{name: fmt.Sprintf("accepted, and reads of %d", status), reads: inTurn(says(status, ""), says(status, ""), ready), status: "ready", id: d2})
	}
	for _, status := range []int{409, 429, 500, 503} {
		long := answer{status: status, body: `{"error":"later"}`, header: http.Header{"Retry-After": {"3600"}}}
		odd := answer{status: status, body: `{"error":"later"}`, header: http.Header{"Retry-After": {"soon"}}}
		cases = append(cases, truth{name: fmt.Sprintf("taken, then %d for an hour", status), answer: long, reads: over(ready), status: "ready", id: d2},
			truth{name: fmt.Sprintf("taken, then %d for an hour, and shown late", status), inputs: inputs("wait-timeout", "45"), answer: long, reads: over(one, 6, ready), status: "ready", id: d2},
			truth{name: fmt.Sprintf("never taken, %d for an hour", status), inputs: inputs("wait-timeout", "45"), answer: long, reads: over(one), status: "red", check: lastIsRead},
			truth{name: fmt.Sprintf("taken, then %d for an odd time", status), answer: odd, reads: over(ready), status: "ready", id: d2})
	}
	long := inputs("wait-timeout", "45")
	busy, refusal := refuses(409, "busy"), []write{{refuses(400, "the platform's words"), nil}}
	build := noImage("build-id", truthBuild)
	made := doc(d2, v2).with("reconciledDeploymentId", nil, "currentRevision", nil)
	rolling := one.with("reconciledDeploymentId", d0)
	return append(cases,
		truth{name: "scaling lost, and another took over", inputs: noImage("min-agents", "2"), answer: lost, reads: over(doc(d3, v9).ready()), status: "superseded", writes: -1, check: lastIsRead},
		truth{name: "scaling taken and lost, and another took over", inputs: noImage("min-agents", "2"), answer: lost, reads: over(doc(d3, v9).ready().with("autoScaling.minReplicas", 2)), status: "green"},
		truth{name: "scaling and a set, of which the scaling shows", inputs: noImage("secret-set", "new-set", "min-agents", "2"), answer: lost, reads: over(scaled), status: "red", writes: -1},
		truth{name: "the answer shows ours with the old image", answer: doc(d2, v1), reads: over(pending(v2), 2, ready), status: "ready", id: d2},
		truth{name: "the answer shows ours with another image", answer: doc(d2, v9), reads: over(pending(v2), 2, ready), status: "ready", id: d2},
		truth{name: "lost, and another name for a moment", answer: lost, reads: over(doc(d3, v9).ready().with("name", "other"), 4, ready), status: "ready", id: d2},
		truth{name: "lost, and no id for a moment", answer: lost, reads: over(ready.with("desiredDeploymentId", absent, "activeDeploymentId", absent), 4, ready), status: "ready", id: d2},
		truth{name: "lost, and the old image for a moment", answer: lost, reads: over(doc(d2, v1).ready(), 3, ready), status: "ready", id: d2},
		truth{name: "lost, and no manifest for a moment", answer: lost, reads: over(ready.with("deployment", nil), 3, ready), status: "ready", id: d2},
		truth{name: "lost, and no manifest for good", answer: lost, reads: over(ready.with("deployment", nil)), status: "red", writes: -1},
		truth{name: "lost, and another secret set", inputs: inputs("secret-set", "new-set"), answer: lost, reads: over(ready.secretSet("other")), status: "superseded"},
		truth{name: "a build is lost", inputs: build, others: succeeded(), answer: lost, reads: over(doc(d2, "[redacted]").ready()), status: "ready", id: d2},
		truth{name: "a build is lost, and another shows", inputs: build, others: succeeded(), answer: lost, reads: over(ofBuild(ready, "b-other")), status: "superseded"},
		truth{name: "lost, and it has errors", answer: lost, reads: over(pending(v2).errors("PCC_IMAGE_NOT_FOUND")), status: "failed", reason: "image-pull", log: []string{"PCC_IMAGE_NOT_FOUND"}},
		truth{name: "a creation is lost, and has errors", before: unknown, answer: lost, reads: over(made.errors("PCC_IMAGE_NOT_FOUND")), status: "failed", reason: "image-pull", log: []string{"PCC_IMAGE_NOT_FOUND"}},
		truth{name: "accepted, and a firewall's page for a read", reads: inTurn(page(403), page(401), ready), status: "failed", reason: "auth"},
		truth{name: "accepted, and one of a firewall's pages", reads: inTurn(page(403), pending(v2), page(401), ready), status: "ready", id: d2},
		truth{name: "accepted, and the key is refused", reads: inTurn(refuses(401, "no"), ready), status: "failed", reason: "auth", within: 5 * time.Second},
		truth{name: "busy three times", inputs: long, answer: busy, then: []write{{busy, nil}, {busy, nil}, {pending(v2), over(ready)}}, status: "ready", id: d2, writes: 4},
		truth{name: "busy, then refused", inputs: long, answer: busy, then: refusal, status: "failed", writes: 2, log: []string{"the platform's words"}, check: lastIsRead},
		truth{name: "taken though busy, then refused", inputs: long, answer: busy, reads: over(one, 6, ready), then: refusal, status: "ready", id: d2, writes: -1},
		truth{name: "taken though lost and shown late, then refused", inputs: long, answer: says(503, ""), reads: over(one, 25, ready), then: refusal, status: "ready", id: d2, writes: -1},
		truth{name: "unchanged while it is rolled out", inputs: inputs("image", v1), before: rolling, answer: rolling, reads: over(rolling, 4, one), status: "unchanged", id: d1},
		truth{name: "unchanged, and then it crashes", inputs: inputs("image", v1), before: rolling, answer: rolling, reads: over(rolling, 4, doc(d1, v1).crashes()), status: "failed", reason: "crash"},
		truth{name: "unchanged with a warning", inputs: inputs("image", v1), answer: one.with("warning", "nothing changes"), reads: over(one), status: "unchanged", id: d1, within: 8 * time.Second, log: []string{"nothing changes"}},
		truth{name: "scaling taken, then closed", inputs: noImage("min-agents", "2", "max-agents", "5"), answer: closed, reads: over(scaled.with("autoScaling.maxReplicas", 5)), status: "green", id: d1},
		truth{name: "an answer that comes with a warning", answer: pending(v2).with("warning", "half of it"), reads: over(ready), status: "ready", id: d2, log: []string{"half of it"}},
		truth{name: "refused 402", answer: refuses(402, "no billing set up"), reads: over(one), status: "failed", reason: "refused", within: 10 * time.Second, log: []string{"no billing set up"}, check: lastIsRead},
		truth{name: "refused without the API's word", answer: says(400, document{"message": "a bad image"}), reads: over(one), status: "failed", log: []string{"a bad image"}, check: lastIsRead},
		truth{name: "cannot be read after it", answer: says(502, ""), reads: over(refuses(503, "down")), status: "red"},
	)
}

// lastIsRead holds that the agent was read after all that was sent.
func lastIsRead(r *truthRun) any {
	read := false
	for _, s := range r.sent {
		read = s.isRead() || read && !s.isWrite()
	}
	return differs(!read, "the agent was not read last")
}

// creationCases are about an agent that is not there: only the API's own word makes
// the job create it.
func creationCases() (cases []truth) {
	ready := doc(d2, v2).ready()
	made := doc(d2, v2).with("reconciledDeploymentId", nil, "currentRevision", nil, "available", false)
	one := doc(d1, v1).ready()
	creates := func(r *truthRun) any {
		writes := r.lines(sent.isWrite)
		return differs(len(writes) == 0 || writes[0] != "POST /v1/agents", fmt.Sprintf("wrote %q", writes))
	}
	oneCreation := func(r *truthRun) any {
		n := len(r.lines(func(s sent) bool { return s.line == "POST /v1/agents" }))
		return differs(n != 1, fmt.Sprintf("%d creations", n))
	}
	nothing := func(r *truthRun) any {
		return differs(slices.ContainsFunc(r.sent, sent.isWrite), "something was written")
	}
	for name, a := range map[string]answer{
		"HTML": says(404, "<html>not here</html>"), "nothing": says(404, ""), "an empty object": says(404, "{}"), "a list": says(404, `["error"]`), "a text": says(404, `"error"`),
		"an object without an error": says(404, `{"message":"no route"}`), "an error that is no text": says(404, `{"error":{"code":404}}`), "an error that is null": says(404, `{"error":null}`), "an error that is empty": says(404, `{"error":""}`),
		"an error that is a list": says(404, `{"error":["x"]}`), "an object and a page": says(404, `{"error":"x"}<html>`),
	} {
		cases = append(cases, truth{name: "404 of " + name, before: a, status: "red", writes: -1, check: nothing})
	}
	for _, status := range []int{403, 410, 500, 503} {
		cases = append(cases, truth{name: fmt.Sprint(status), before: refuses(status, "no"), status: "red", writes: -1, check: nothing})
	}
	for _, a := range []answer{closed, says(500, ""), says(502, "<html>"), says(504, "")} {
		// That the deployment is ours is known by its time alone.
		before := unknown
		before.header = http.Header{"Date": {"Sat, 01 Jan 2000 00:00:00 GMT"}}
		cases = append(cases, truth{name: fmt.Sprintf("taken, then %d", a.status), dated: true, before: before, answer: a, reads: over(ready), status: "ready", id: d2, check: oneCreation},
			truth{name: fmt.Sprintf("taken, then %d, without a date", a.status), before: unknown, answer: a, reads: over(ready), status: "ready", id: d2, check: oneCreation},
			truth{name: fmt.Sprintf("there before, then %d", a.status), dated: true, before: before, answer: a, reads: over(one), then: []write{{pending(v2), over(ready)}}, status: "red", writes: -1, check: oneCreation})
	}
	sets := func(status string) map[string]any {
		return map[string]any{"GET /v1/secrets/bot-secrets": document{"status": status, "region": "us-west", "secrets": []any{}, "errorMessage": "quota exceeded"}}
	}
	set := inputs("secret-set", "bot-secrets", "wait-timeout", "45")
	notReady := refuses(409, "Secret set 'bot-secrets' is not yet ready")
	exists := refuses(409, "Agent already exists")
	return append(cases,
		truth{name: "404 of the API", before: unknown, answer: made, reads: over(made, 3, ready), status: "ready", id: d2, check: creates},
		truth{name: "404 of the API, with an error alone", before: says(404, `{"error":"Not found"}`), answer: made, reads: over(ready), status: "ready", id: d2, check: creates},
		truth{name: "404 of a proxy at first", before: inTurn(says(404, "<html>"), unknown), answer: made, reads: over(ready), status: "ready", id: d2, check: creates},
		truth{name: "create-if-missing is false", inputs: inputs("create-if-missing", "false"), before: unknown, status: "failed", reason: "inputs", writes: -1, check: nothing},
		truth{name: "meets an agent", before: unknown, answer: one, reads: over(one), then: []write{{pending(v2), over(pending(v2), 2, ready)}}, status: "ready", id: d2, writes: 2, check: oneCreation},
		truth{name: "meets an agent of the same", before: unknown, answer: doc(d1, v2).ready(), reads: over(doc(d1, v2).ready()), then: []write{{doc(d1, v2).ready(), nil}}, status: "green", id: d1, writes: -1, check: oneCreation},
		truth{name: "409, it exists", before: unknown, answer: exists, reads: over(one), then: []write{{pending(v2), over(pending(v2), 2, ready)}}, status: "ready", id: d2, writes: 2, within: 15 * time.Second, check: oneCreation},
		truth{name: "400, it exists", before: unknown, answer: refuses(400, "Agent already exists"), reads: over(one), then: []write{{pending(v2), over(pending(v2), 2, ready)}}, status: "red ready", writes: -1, within: 15 * time.Second, check: oneCreation},
		truth{name: "409, it exists, and crashes then", before: unknown, answer: exists, reads: over(one), then: []write{{pending(v2), over(doc(d2, v2).crashes())}}, status: "failed", reason: "crash", writes: 2},
		truth{name: "409, it exists in another region", inputs: inputs("region", "us-east"), before: unknown, answer: exists, reads: over(one), status: "failed", reason: "inputs", log: []string{"is in region us-west, not in us-east"}},
		truth{name: "409, it exists in the region", inputs: inputs("region", "us-west"), before: unknown, answer: exists, reads: over(one), then: []write{{pending(v2), over(ready)}}, status: "ready", id: d2, writes: 2},
		truth{name: "409, it exists, crashes then, and is rolled back", inputs: inputs("rollback-on-failure", "true"), before: unknown, answer: exists, reads: over(one), then: []write{{pending(v2), over(doc(d2, v2).crashes())}, {doc(d3, v1), over(doc(d3, v1).ready())}}, status: "rolled-back", reason: "crash", writes: 3, check: asks(v1)},
		truth{name: "409, the set is not ready", inputs: set, before: unknown, others: sets("pending"), answer: notReady, then: []write{{made.secretSet("bot-secrets"), over(ready.secretSet("bot-secrets"))}}, status: "ready", id: d2, writes: 2},
		truth{name: "409, the set failed", inputs: set, before: unknown, others: sets("failed"), answer: notReady, status: "failed", within: 8 * time.Second, log: []string{"quota exceeded"}},
		truth{name: "refused", before: unknown, answer: refuses(400, "no such image"), reads: over(unknown), status: "failed", within: 10 * time.Second, log: []string{"no such image"}},
		truth{name: "never made, then the second is", inputs: inputs("wait-timeout", "45"), before: unknown, answer: says(502, ""), then: []write{{made, over(ready)}}, status: "ready", id: d2, writes: 2},
		truth{name: "409, it exists, and shows later", before: unknown, answer: exists, reads: over(unknown, 2, one), then: []write{{pending(v2), over(pending(v2), 2, ready)}}, status: "ready", id: d2, writes: -1},
		truth{name: "meets an agent of a bare answer", before: unknown, answer: bare(d1), reads: over(one), then: []write{{pending(v2), over(ready)}}, status: "red ready", writes: -1, check: oneCreation},
		truth{name: "meets an agent that crashes", inputs: inputs("rollback-on-failure", "true"), before: unknown, answer: doc(d1, v1).crashes(), reads: over(doc(d1, v1).crashes()), then: []write{{pending(v2), over(pending(v2), 2, ready)}}, status: "ready", id: d2, writes: 2, check: oneCreation},
		truth{name: "meets an agent that stays", before: unknown, answer: doc(d3, v9).ready(), reads: over(doc(d3, v9).ready()), status: "red", writes: -1, check: oneCreation},
		truth{name: "is answered with another name", before: unknown, answer: says(201, ready.with("name", "other")), reads: over(ready), status: "ready", id: d2},
		truth{name: "another name before", before: one.with("name", "other"), status: "red", writes: -1, check: nothing},
		truth{name: "no id before", before: one.with("desiredDeploymentId", absent, "activeDeploymentId", absent), status: "red", writes: -1, check: nothing},
		truth{name: "ready without being waited for", inputs: inputs("wait-for-ready", "false"), before: unknown, answer: made, reads: over(made), status: "deployed", id: d2, check: creates},
	)
}

// setCases are about secret sets: one that failed ends the job at once, with the
// platform's words; one that is pending is waited for.
func setCases() (cases []truth) {
	const words = "illegal base64 data at input byte 4"
	notReady := func(name string) answer { return refuses(409, "Secret set '"+name+"' is not yet ready") }
	credentials := inputs("image-credentials", "ghcr", "wait-timeout", "20")
	set := inputs("secret-set", "bot-secrets", "wait-timeout", "20")
	pull := func(status string, more ...any) map[string]any {
		return map[string]any{
			"GET /v1/secrets/ghcr": refuses(400, "Cannot retrieve image pull secrets by name"),
			"GET /v1/secrets":      document{"sets": append([]any{document{"name": "other", "status": "failed", "errorMessage": "of another"}, document{"name": "ghcr", "status": status, "type": "image_pull", "errorMessage": words}}, more...)},
		}
	}
	secret := func(status string) map[string]any {
		return map[string]any{"GET /v1/secrets/bot-secrets": document{"status": status, "region": "us-west", "secrets": []any{}, "errorMessage": "quota exceeded in us-west"}}
	}
	ghcr := func(d document) document { return d.spec("imagePullSecretName", "ghcr") }
	bot := func(d document) document { return d.secretSet("bot-secrets") }
	gone := map[string]any{"GET /v1/secrets": refuses(500, "down"), "GET /v1/secrets/bot-secrets": refuses(500, "down")}
	for _, status := range []string{"failed", "Failed", "FAILED"} {
		cases = append(cases,
			truth{name: "pull set " + status, inputs: credentials, others: pull(status), answer: notReady("ghcr"), status: "failed", within: 8 * time.Second, log: []string{words}},
			truth{name: "secret set " + status, inputs: set, others: secret(status), answer: notReady("bot-secrets"), status: "failed", within: 8 * time.Second, log: []string{"quota exceeded in us-west"}})
	}
	both := inputs("image-credentials", "ghcr", "secret-set", "bot-secrets", "wait-timeout", "20")
	withPull := func(set, pullSet string) map[string]any {
		all := pull(pullSet)
		maps.Copy(all, secret(set))
		return all
	}
	pending3 := func(d any, more ...any) timeline { return inTurn(append([]any{d, d, d}, more...)...) }
	return append(cases,
		truth{name: "secret set pending, then failed", inputs: set, others: map[string]any{"GET /v1/secrets/bot-secrets": pending3(secret("pending")["GET /v1/secrets/bot-secrets"], secret("failed")["GET /v1/secrets/bot-secrets"])}, answer: notReady("bot-secrets"), status: "failed", writes: -1, within: 15 * time.Second, log: []string{"quota exceeded in us-west"}},
		truth{name: "pull set pending, then failed", inputs: credentials, others: map[string]any{"GET /v1/secrets": pending3(pull("pending")["GET /v1/secrets"], pull("failed")["GET /v1/secrets"])}, answer: notReady("ghcr"), status: "failed", writes: -1, within: 15 * time.Second, log: []string{words}},
		truth{name: "pull set failed beside a pending set", inputs: both, others: withPull("pending", "failed"), answer: notReady("ghcr"), status: "failed", within: 8 * time.Second, log: []string{words}},
		truth{name: "secret set failed beside a pending one", inputs: both, others: withPull("failed", "pending"), answer: notReady("bot-secrets"), status: "failed", within: 8 * time.Second, log: []string{"quota exceeded in us-west"}},
		truth{name: "both pending", inputs: both, others: withPull("pending", "pending"), answer: notReady("ghcr"), then: []write{{ghcr(bot(pending(v2))), over(ghcr(bot(doc(d2, v2).ready())))}}, status: "ready", id: d2, writes: 2},
		truth{name: "a conflict in other words", inputs: set, others: secret("failed"), answer: says(409, document{"message": "conflict"}), status: "failed", within: 8 * time.Second, log: []string{"quota exceeded in us-west"}},
		truth{name: "a conflict in HTML", inputs: set, others: secret("failed"), answer: says(409, "<html>"), status: "failed", within: 8 * time.Second, log: []string{"quota exceeded in us-west"}},
		truth{name: "failed, and the update was accepted anyway", inputs: set, others: secret("failed"), answer: notReady("bot-secrets"), reads: over(bot(doc(d2, v2).ready())), status: "ready", id: d2},
		truth{name: "pull set pending", inputs: credentials, others: pull("pending"), answer: notReady("ghcr"), then: []write{{ghcr(pending(v2)), over(ghcr(doc(d2, v2).ready()))}}, status: "ready", id: d2, writes: 2},
		truth{name: "secret set pending", inputs: set, others: secret("pending"), answer: notReady("bot-secrets"), then: []write{{bot(pending(v2)), over(bot(doc(d2, v2).ready()))}}, status: "ready", id: d2, writes: 2},
		truth{name: "secret set of a status of tomorrow", inputs: set, others: secret("dreaming"), answer: notReady("bot-secrets"), then: []write{{bot(pending(v2)), over(bot(doc(d2, v2).ready()))}}, status: "ready", id: d2, writes: 2},
		truth{name: "secret set pending for good", inputs: set, others: secret("pending"), answer: notReady("bot-secrets"), status: "timed-out", writes: -1, log: []string{"not yet ready"}},
		truth{name: "another set failed", inputs: inputs("wait-timeout", "45"), others: pull("failed"), answer: notReady("ghcr"), then: []write{{pending(v2), over(doc(d2, v2).ready())}}, status: "ready", id: d2, writes: 2},
		truth{name: "sets that cannot be read", inputs: inputs("secret-set", "bot-secrets", "wait-timeout", "45"), others: gone, answer: notReady("bot-secrets"), then: []write{{bot(pending(v2)), over(bot(doc(d2, v2).ready()))}}, status: "ready", id: d2, writes: 2},
		truth{name: "pull set failed, and a secret set is fine", inputs: inputs("image-credentials", "ghcr", "secret-set", "old-set", "wait-timeout", "20"), others: pull("failed"), answer: notReady("ghcr"), status: "failed", within: 8 * time.Second, log: []string{words}},
		truth{name: "pull set failed of a creation", inputs: credentials, before: unknown, others: pull("failed"), answer: notReady("ghcr"), status: "failed", within: 8 * time.Second, log: []string{words}},
		truth{name: "the words are no text", inputs: credentials, others: map[string]any{"GET /v1/secrets": document{"sets": []any{document{"name": "ghcr", "status": "failed", "errorMessage": nil}}}}, answer: notReady("ghcr"), status: "failed", within: 8 * time.Second},
		truth{name: "failed, yet it was accepted", inputs: set, others: secret("failed"), answer: bot(pending(v2)), reads: over(bot(doc(d2, v2).ready())), status: "ready", id: d2},
	)
}
