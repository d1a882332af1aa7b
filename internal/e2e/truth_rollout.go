package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/scratch"
	"pipecat-cloud-deploy/internal/simulator"
)

const truthBuild = "123e4567-e89b-42d3-a456-426614174000"

// succeeded are the other requests of a job with a build that was made.
func succeeded() map[string]any {
	return map[string]any{
		"GET /v1/builds/" + truthBuild: document{"build": document{"id": truthBuild, "status": "success", "region": "us-west"}},
		"GET /v1/properties":           document{"properties": document{"defaultRegion": "us-west"}},
	}
}

// bare is an answer that names a deployment and says nothing of it.
func bare(id string) document {
	return document{"name": "demo-agent", "ready": true, "desiredDeploymentId": id, "reconciledDeploymentId": id}
}

// ofBuild is a document that names a build and leaves its image out.
func ofBuild(d document, build string) document {
	return d.spec("image", absent).with("deployment.buildId", build)
}

// oursCases are about which deployment is ours: the one that the answer names, if it
// shows what was asked for.
func oursCases() []truth {
	ours, theirs := doc(d2, v2).ready(), doc(d3, v9).ready()
	build := noImage("build-id", truthBuild)
	rollback := inputs("rollback-on-failure", "true")
	crash := doc(d2, v2).crashes()
	const digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	const other = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	return []truth{
		{name: "plain", reads: over(pending(v2), 2, doc(d2, v2), 4, ours), status: "ready", id: d2, after: 4 * time.Second},
		{name: "at once", answer: ours, reads: over(ours), status: "ready", id: d2, within: 3 * time.Second},
		{name: "another takes over", reads: over(pending(v2), 3, theirs), status: "superseded", reason: "superseded", within: 15 * time.Second},
		{name: "another of the same image takes over", reads: over(pending(v2), 3, doc(d3, v2).ready()), status: "superseded", within: 15 * time.Second},
		{name: "another that is not ready takes over", reads: over(pending(v2), 3, doc(d3, v9)), status: "superseded", within: 15 * time.Second},
		{name: "an older one shows", dated: true, reads: over(pending(v2), 1, doc(d0, v9).ready(), 4, ours), status: "ready", id: d2, after: 4 * time.Second},
		{name: "the clock was ahead before", dated: true, before: doc(d1, v1).ready().with("deployment.createdAt", "2000-01-01T00:00:20Z"), reads: over(pending(v2), 3, ours), status: "ready", id: d2},
		{name: "the clock was ahead before, forced and lost", dated: true, inputs: noImage("force-redeploy", "true", "wait-timeout", "120"), before: doc(d1, v1).ready().with("deployment.createdAt", "2000-01-01T00:00:20Z"), answer: says(502, ""), reads: over(doc(d2, v1).ready()), status: "ready", id: d2},
		{name: "the one before shows again", reads: over(pending(v2), 1, doc(d1, v1).ready(), 4, ours), status: "ready", id: d2, after: 4 * time.Second},
		{name: "the answer names another", answer: theirs, reads: over(theirs), status: "superseded"},
		{name: "the answer names another that crashes", answer: doc(d3, v9).crashes(), reads: over(doc(d3, v9).crashes()), status: "superseded"},
		{name: "the answer names another secret set", inputs: inputs("secret-set", "new-set"), answer: doc(d3, v2).secretSet("other").ready(), reads: over(doc(d3, v2).secretSet("other").ready()), status: "superseded"},
		{name: "the answer names another, and reads ours", dated: true, answer: doc(d0, v9).ready(), reads: over(pending(v2), 3, ours), status: "ready", id: d2},
		{name: "a bare answer names another", answer: bare(d3), reads: over(theirs), status: "superseded"},
		{name: "a bare answer names ours", answer: bare(d2), reads: over(pending(v2), 3, ours), status: "ready", id: d2},
		{name: "a bare answer, with nulls", answer: bare(d2).with("deployment", nil, "currentRevision", nil), reads: over(ours), status: "ready", id: d2},

		{name: "a bare answer names another that crashes", inputs: rollback, answer: bare(d3), reads: over(doc(d3, v9).crashes()), status: "superseded"},
		{name: "a bare answer names another, and ours shows first", answer: bare(d3), reads: over(pending(v2), 2, theirs), status: "superseded"},
		{name: "the answer names another, and ours shows first", answer: theirs, reads: over(pending(v2), 2, theirs), status: "superseded"},
		{name: "an answer of 201", answer: says(201, pending(v2)), reads: over(ours), status: "ready", id: d2},
		{name: "an answer of 202 that says nothing", answer: says(202, "{}"), reads: over(pending(v2), 3, ours), status: "ready", id: d2},
		{name: "another of the same image that crashes takes over", inputs: rollback, reads: over(doc(d3, v2).crashes()), status: "superseded"},
		{name: "another of the image before takes over", reads: over(pending(v2), 3, doc(d3, v1).ready()), status: "superseded", within: 15 * time.Second},

		{name: "ours with the old image for a moment", reads: over(doc(d2, v1).ready(), 3, ours), status: "ready", id: d2, after: 3 * time.Second},
		{name: "ours with the old image for good", reads: over(doc(d2, v1).ready()), status: "superseded"},
		{name: "ours with another image", reads: over(doc(d2, v9).ready()), status: "superseded"},
		{name: "ours with another image that crashes", inputs: rollback, reads: over(doc(d2, v9).crashes()), status: "superseded"},
		{name: "ours with another secret set", inputs: inputs("secret-set", "new-set"), answer: pending(v2).secretSet("new-set"), reads: over(ours.secretSet("other")), status: "superseded"},
		{name: "ours with another profile", inputs: inputs("agent-profile", "agent-2x"), answer: pending(v2).with("agentProfile", "agent-2x"), reads: over(ours.with("agentProfile", "agent-3x")), status: "superseded"},
		{name: "ours with the old secret set for a moment", inputs: inputs("secret-set", "new-set"), answer: pending(v2).secretSet("new-set"), reads: over(ours, 3, ours.secretSet("new-set")), status: "ready", id: d2, after: 3 * time.Second},
		{name: "ours with the old profile for a moment", inputs: inputs("agent-profile", "agent-2x"), answer: pending(v2).with("agentProfile", "agent-2x"), reads: over(ours, 3, ours.with("agentProfile", "agent-2x")), status: "ready", id: d2, after: 3 * time.Second},
		{name: "ours without its secret set", inputs: inputs("secret-set", "new-set"), answer: pending(v2).secretSet("new-set"), reads: over(ours.spec("envFromSecretNames", []string{})), status: "superseded"},
		{name: "ours with other credentials", inputs: inputs("image-credentials", "ghcr"), answer: pending(v2).spec("imagePullSecretName", "ghcr"), reads: over(ours.spec("imagePullSecretName", "other")), status: "superseded"},
		{name: "ours with another limit of sessions", inputs: inputs("max-session-duration", "1800"), answer: pending(v2).spec("maxSessionDurationSeconds", 1800), reads: over(ours.spec("maxSessionDurationSeconds", 3600)), status: "superseded"},
		{name: "ours beside the manifest of before", reads: over(ours.with("deployment.id", d1, "deployment.manifest.spec.image", v1)), status: "ready", id: d2},
		{name: "ours with another scaling", inputs: inputs("min-agents", "2"), reads: over(ours), status: "ready", id: d2},
		{name: "ours among the platform's sets", inputs: inputs("secret-set", "new-set"), answer: pending(v2).secretSet("new-set"), reads: over(ours.spec("envFromSecretNames", []string{"managed", "new-set"})), status: "ready", id: d2},
		{name: "an old setting that was not asked for", reads: over(ours.with("agentProfile", "agent-9x", "websocketAuth", "token")), status: "ready", id: d2},
		{name: "without a manifest", reads: over(ours.with("deployment", absent)), status: "ready", id: d2},
		{name: "with a null manifest", reads: over(ours.with("deployment.manifest", nil)), status: "ready", id: d2},

		{name: "a tag shown with a digest", answer: pending(v2 + "@" + digest), reads: over(doc(d2, v2+"@"+digest).ready()), status: "ready", id: d2},
		{name: "a tag shown as a digest", answer: pending("ghcr.io/acme/bot@" + digest), reads: over(doc(d2, "ghcr.io/acme/bot@"+digest).ready()), status: "ready", id: d2},
		{name: "a tag shown as a digest of another name", answer: pending("ghcr.io/acme/other@" + digest), reads: over(doc(d2, "ghcr.io/acme/other@"+digest).ready()), status: "superseded"},
		{name: "another tag with a digest", answer: pending(v9 + "@" + digest), reads: over(doc(d2, v9+"@"+digest).ready()), status: "superseded"},
		{name: "a digest", inputs: inputs("image", "ghcr.io/acme/bot@"+digest), answer: pending("ghcr.io/acme/bot@" + digest), reads: over(doc(d2, "ghcr.io/acme/bot@"+digest).ready()), status: "ready", id: d2},
		{name: "another digest", inputs: inputs("image", "ghcr.io/acme/bot@"+digest), answer: pending("ghcr.io/acme/bot@" + other), reads: over(doc(d2, "ghcr.io/acme/bot@"+other).ready()), status: "superseded"},
		{name: "a name spelled out", inputs: inputs("image", "acme/bot:v2"), answer: pending("docker.io/acme/bot:v2"), reads: over(doc(d2, "docker.io/acme/bot:v2").ready()), status: "ready", id: d2},
		{name: "an image asked for, and a build shown", answer: pending("[redacted]"), reads: over(doc(d2, "[redacted]").ready()), status: "superseded"},

		{name: "a build with a redacted image", inputs: build, others: succeeded(), answer: pending("[redacted]"), reads: over(doc(d2, "[redacted]").ready()), status: "ready", id: d2},
		{name: "a build that is named", inputs: build, others: succeeded(), answer: pending("[redacted]").with("deployment.buildId", truthBuild), reads: over(doc(d2, "[redacted]").ready().with("deployment.buildId", truthBuild)), status: "ready", id: d2},
		{name: "another build that is named", inputs: build, others: succeeded(), answer: pending("[redacted]"), reads: over(doc(d2, "[redacted]").ready().with("deployment.buildId", strings.Replace(truthBuild, "1", "2", 1))), status: "superseded"},
		{name: "a build that is named, without an image", inputs: build, others: succeeded(), answer: ofBuild(doc(d2, ""), truthBuild), reads: over(ofBuild(doc(d2, "").ready(), truthBuild)), status: "ready", id: d2},
		{name: "a build that is named in capitals", inputs: build, others: succeeded(), answer: ofBuild(doc(d2, ""), strings.ToUpper(truthBuild)), reads: over(ofBuild(doc(d2, "").ready(), strings.ToUpper(truthBuild))), status: "ready", id: d2},
		{name: "another build that is named, without an image", inputs: build, others: succeeded(), answer: ofBuild(doc(d3, ""), "b-other"), reads: over(ofBuild(doc(d3, "").ready(), "b-other")), status: "superseded"},
		{name: "an image asked for, and a build named", answer: ofBuild(doc(d3, ""), "b-other"), reads: over(ofBuild(doc(d3, "").ready(), "b-other")), status: "superseded"},
		{name: "a build with an image in other signs", inputs: build, others: succeeded(), answer: pending("***"), reads: over(doc(d2, "***").ready()), status: "ready", id: d2},
		{name: "a build asked for, and an image shown", inputs: build, others: succeeded(), answer: doc(d3, v9).ready(), reads: over(theirs), status: "superseded"},

		{name: "rollback", inputs: rollback, reads: over(crash), then: []write{{doc(d4, v1).ready(), over(doc(d4, v1).ready())}}, status: "rolled-back", writes: 2, check: asks(`"image":"` + v1 + `"`)},
		{name: "rollback of ours that the answer shows with the old image", inputs: rollback, answer: doc(d2, v1), reads: over(pending(v2), 2, crash), then: []write{{doc(d4, v1).ready(), over(doc(d4, v1).ready())}}, status: "rolled-back", writes: 2},
		{name: "no rollback of what the answer and reads show with another image", inputs: rollback, answer: doc(d2, v1), reads: over(doc(d2, v9).crashes()), status: "superseded"},
		{name: "no rollback of one that a stale answer does not name", inputs: rollback, answer: doc(d1, v1).ready(), reads: over(crash), status: "failed", reason: "crash"},
		{name: "rollback that takes a while", inputs: rollback, reads: over(crash), then: []write{{doc(d4, v1), over(crash, 3, doc(d4, v1), 5, doc(d4, v1).ready())}}, status: "rolled-back", writes: 2},
		{name: "rollback of a secret set", inputs: noImage("rollback-on-failure", "true", "secret-set", "new-set"), answer: doc(d2, v1).secretSet("new-set"), reads: over(doc(d2, v1).secretSet("new-set").crashes()),
			then: []write{{doc(d4, v1).ready(), over(doc(d4, v1).ready())}}, status: "rolled-back", writes: 2, check: asks(`{"secretSet":"old-set"}`)},
		{name: "rollback to a build", inputs: rollback, before: doc(d1, "[redacted]").ready().with("deployment.buildId", truthBuild), reads: over(crash),
			then:   []write{{doc(d4, "[redacted]").ready().with("deployment.buildId", truthBuild), over(doc(d4, "[redacted]").ready())}},
			status: "rolled-back", writes: 2, check: asks(`{"buildId":"` + truthBuild + `"}`)},
		{name: "rollback to a build that is not named", inputs: rollback, before: doc(d1, "[redacted]").ready(), reads: over(crash), status: "failed", reason: "crash"},
		{name: "rollback whose answer is lost", inputs: rollback, reads: over(crash), then: []write{{says(502, "<html>"), over(doc(d4, v1).ready())}}, status: "rolled-back", writes: 2},
		{name: "rollback that crashes", inputs: rollback, reads: over(crash), then: []write{{doc(d4, v1), over(doc(d4, v1).crashes())}}, status: "failed", writes: 2},
		{name: "rollback answered with another", inputs: rollback, reads: over(crash), then: []write{{doc(d4, v9).ready(), over(doc(d4, v9).ready())}}, status: "red", writes: 2,
			check: func(r *truthRun) any { return differs(r.outputs["status"] == "rolled-back", "rolled back") }},
		{name: "rollback that shows another secret set", inputs: rollback, reads: over(crash), then: []write{{doc(d4, v1).ready().secretSet("other"), over(doc(d4, v1).ready().secretSet("other"))}}, status: "failed", reason: "crash", writes: 2},
		{name: "rollback that shows another profile", inputs: rollback, reads: over(crash), then: []write{{doc(d4, v1).ready(), over(doc(d4, v1).ready().with("agentProfile", "agent-3x"))}}, status: "failed", reason: "crash", writes: 2},
		{name: "rollback that makes no deployment", inputs: rollback, reads: over(crash), then: []write{{crash, over(crash)}}, status: "failed", reason: "crash", writes: 2},
		{name: "rollback that is taken, then 409", inputs: rollback, reads: over(crash), then: []write{{refuses(409, "busy"), over(doc(d4, v1).ready())}}, status: "rolled-back", writes: 2},
		{name: "rollback that another replaces", inputs: rollback, reads: over(crash), then: []write{{doc(d4, v1), over(doc(d4, v1), 3, doc(d5, v9).ready())}}, status: "failed", reason: "crash", writes: 2},
		{name: "rollback over an error that stays", inputs: rollback, reads: over(pending(v2).errors("PCC_IMAGE_NOT_FOUND")),
			then: []write{{doc(d4, v1).errors("PCC_IMAGE_NOT_FOUND"), over(doc(d4, v1).errors("PCC_IMAGE_NOT_FOUND"), 3, doc(d4, v1).ready().errors("PCC_IMAGE_NOT_FOUND"))}}, status: "rolled-back", writes: 2},
		{name: "no rollback over another", inputs: rollback, answer: doc(d3, v9).crashes(), reads: over(doc(d3, v9).crashes()), status: "superseded"},
		{name: "no rollback over a later one", inputs: rollback, reads: inTurn(crash, theirs), status: "red"},
		{name: "no rollback over one that is not ours after all", inputs: rollback, reads: inTurn(crash, doc(d2, v9).crashes()), status: "red"},
		{name: "no rollback of what another made of a lost answer", inputs: rollback, answer: says(502, ""), reads: over(crash), status: "failed", reason: "crash"},
		{name: "no rollback where nothing was made", inputs: inputs("image", v1, "rollback-on-failure", "true"), before: doc(d1, v1), answer: doc(d1, v1), reads: over(doc(d1, v1).crashes()), status: "failed", reason: "crash"},

		{name: "not waited for", inputs: inputs("wait-for-ready", "false"), reads: over(pending(v2)), status: "deployed", id: d2, within: 5 * time.Second},
		{name: "not waited for while it crashes", inputs: inputs("wait-for-ready", "false"), answer: crash, reads: over(crash), status: "deployed", id: d2},
		{name: "not waited for after a bare answer", inputs: inputs("wait-for-ready", "false"), answer: bare(d2), reads: over(ours), status: "deployed", id: d2},
		{name: "not waited for with late reads", inputs: inputs("wait-for-ready", "false"), reads: over(doc(d1, v1).ready(), 3, pending(v2)), status: "deployed", id: d2},
		{name: "not waited for another", inputs: inputs("wait-for-ready", "false"), answer: theirs, reads: over(theirs), status: "red"},
		{name: "not waited for one that another replaces", inputs: inputs("wait-for-ready", "false"), reads: over(theirs), status: "superseded"},
		{name: "not waited for with errors", inputs: inputs("wait-for-ready", "false"), reads: over(pending(v2).errors("PCC_IMAGE_NOT_FOUND")), status: "deployed", id: d2},
		{name: "not waited for a secret set that shows late", inputs: noImage("wait-for-ready", "false", "secret-set", "new-set"), answer: doc(d1, v1).ready(), reads: over(doc(d1, v1).ready(), 3, doc(d2, v1).secretSet("new-set")), status: "deployed", id: d2},
		{name: "not waited for another of a bare answer", inputs: inputs("wait-for-ready", "false"), answer: bare(d3), reads: over(theirs), status: "red"},
		{name: "not waited for another image", inputs: inputs("wait-for-ready", "false"), reads: over(doc(d2, v9).ready()), status: "red"},
		{name: "not waited for an old secret set", inputs: noImage("wait-for-ready", "false", "secret-set", "new-set"), answer: doc(d1, v1).ready(), reads: over(doc(d1, v1).ready()), status: "red"},
		{name: "not waited for what is unchanged", inputs: inputs("wait-for-ready", "false", "image", v1), answer: doc(d1, v1).ready(), reads: over(doc(d1, v1).ready()), status: "unchanged", id: d1},
	}
}

// differs is a text where something is so that must not be.
func differs(so bool, text string) any {
	if so {
		return text
	}
	return nil
}

// staleCases are about answers that show the old value of what was asked for. What
// is not shown is neither stale nor proof, and scaling takes no deployment.
func staleCases() (cases []truth) {
	before := doc(d1, v1).ready().with("websocketAuth", "none", "krispViva", document{"audioFilter": nil}).
		spec("imagePullSecretName", "old-pull").spec("maxSessionDurationSeconds", 3600).spec("dailyNodeType", "arm")
	to := func(d document) document {
		dep := d.with("deployment.id", d2, "deployment.createdAt", created[d2], "desiredDeploymentId", d2, "activeDeploymentId", d2, "reconciledDeploymentId", d2)
		return dep.with("currentRevision.deploymentID", d2)
	}
	for _, s := range []struct {
		input, value string
		shown        func(document) document
	}{
		{"image", v2, func(d document) document { return d.spec("image", v2) }},
		{"image", "ghcr.io/acme/other:v1", func(d document) document { return d.spec("image", "ghcr.io/acme/other:v1") }},
		{"image", "ghcr.io/other/bot:v1", func(d document) document { return d.spec("image", "ghcr.io/other/bot:v1") }},
		{"image", "docker.io/acme/bot:v1", func(d document) document { return d.spec("image", "docker.io/acme/bot:v1") }},
		{"secret-set", "new-set", func(d document) document { return d.secretSet("new-set") }},
		{"image-credentials", "new-pull", func(d document) document { return d.spec("imagePullSecretName", "new-pull") }},
		{"agent-profile", "agent-2x", func(d document) document { return d.with("agentProfile", "agent-2x") }},
		{"krisp-viva-audio-filter", "tel", func(d document) document { return d.with("krispViva", document{"audioFilter": "tel"}) }},
		{"max-session-duration", "7200", func(d document) document { return d.spec("maxSessionDurationSeconds", 7200) }},
		{"max-session-duration", "1800", func(d document) document { return d.spec("maxSessionDurationSeconds", 1800) }},
		{"websocket-auth", "token", func(d document) document { return d.with("websocketAuth", "token") }},
		{"architecture", "amd64", func(d document) document { return d.spec("dailyNodeType", "amd") }},
		{"node-type", "amd", func(d document) document { return d.spec("arch", "amd64") }},
	} {
		asked := noImage(s.input, s.value)
		name := s.input + " " + s.value[strings.LastIndexByte(s.value, '/')+1:] + " "
		after := to(s.shown(before))
		cases = append(cases,
			truth{name: name + "stale for good", inputs: asked, before: before, answer: before, reads: over(before), status: "red", writes: -1},
			truth{name: name + "stale at first", inputs: asked, before: before, answer: before, reads: over(before, 3, after), status: "ready", id: d2, after: 3 * time.Second},
			truth{name: name + "stale answer alone", inputs: asked, before: before, answer: before, reads: over(after), status: "ready", id: d2},
			truth{name: name + "unchanged", inputs: asked, before: s.shown(before), answer: s.shown(before), reads: over(s.shown(before)), status: "unchanged", id: d1, within: 8 * time.Second},
			truth{name: name + "unchanged and not serving", inputs: asked, before: s.shown(before), answer: s.shown(before), reads: over(s.shown(before).with("ready", false)), status: "timed-out"},
		)
	}
	one := doc(d1, v1).ready()
	newSet := noImage("secret-set", "new-set")
	secrets := noImage("secret-set", "old-set", "secrets", "TOKEN=0123456789", "wait-timeout", "120")
	stored := map[string]any{
		"PUT /v1/secrets/old-set": says(202, document{"status": "OK", "region": "us-west"}),
		"GET /v1/secrets/old-set": document{"status": "ready", "region": "us-west", "secrets": []any{document{"fieldName": "TOKEN"}}},
	}
	noSet := one.spec("envFromSecretNames", absent)
	noFilter, filtered := noImage("krisp-viva-audio-filter", "none"), one.with("krispViva", document{"audioFilter": "tel"})
	build := noImage("build-id", truthBuild)
	return append(cases, []truth{
		{name: "then the new one crashes", inputs: newSet, answer: one, reads: over(one, 2, doc(d2, v1).secretSet("new-set").crashes()), status: "failed", reason: "crash", id: d2},
		{name: "then another takes over", inputs: newSet, answer: one, reads: over(one, 2, doc(d3, v1).secretSet("other").ready()), status: "superseded"},
		{name: "one of two settings is old", inputs: inputs("image", v1, "secret-set", "new-set"), answer: one, reads: over(one), status: "red"},
		{name: "both settings show at last", inputs: inputs("image", v1, "secret-set", "new-set"), answer: one, reads: over(one, 4, doc(d2, v1).secretSet("new-set").ready()), status: "ready", id: d2},
		{name: "an older answer", dated: true, answer: doc(d0, v9).ready(), reads: over(one, 3, doc(d2, v2).ready()), status: "ready", id: d2},
		{name: "forced and stale for good", inputs: noImage("force-redeploy", "true"), answer: one, reads: over(one), status: "red", writes: -1},
		{name: "forced and never made, with time to look", inputs: noImage("force-redeploy", "true", "wait-timeout", "120"), answer: one, reads: over(one), status: "failed", reason: "api", log: []string{"although force-redeploy is set"}},
		{name: "another image was shown of it", answer: bare(d1), reads: over(one.with("deployment", nil)), status: "failed", reason: "api", inputs: inputs("wait-timeout", "120")},
		{name: "the image that was shown of it", answer: bare(d1), reads: over(one.with("deployment", nil)), status: "unchanged", id: d1, inputs: inputs("image", v1, "wait-timeout", "120")},
		{name: "new secrets, and no deployment", inputs: secrets, others: stored, answer: one, reads: over(one), status: "failed", reason: "api", log: []string{"which alone gets the new secrets"}},
		{name: "new secrets, and a deployment", inputs: secrets, others: stored, answer: one, reads: over(one, 3, doc(d2, v1).ready()), status: "ready", id: d2},
		{name: "forced and shown later", inputs: noImage("force-redeploy", "true"), answer: one, reads: over(one, 3, doc(d2, v1).ready()), status: "ready", id: d2},
		{name: "no set before, stale for good", inputs: newSet, before: noSet, answer: noSet, reads: over(noSet), status: "red", writes: -1},
		{name: "no set before, stale at first", inputs: newSet, before: noSet, answer: noSet, reads: over(noSet, 3, doc(d2, v1).secretSet("new-set").ready()), status: "ready", id: d2},
		{name: "no manifest", inputs: newSet, before: one.with("deployment", nil), answer: one.with("deployment", nil), reads: over(one.with("deployment", nil)), status: "unchanged", id: d1},
		{name: "a filter that turns on", inputs: noFilter, before: filtered, answer: filtered, reads: over(filtered), status: "red", writes: -1},
		{name: "a filter that goes off", inputs: noFilter, before: filtered, answer: filtered, reads: over(filtered, 3, to(one).with("krispViva", document{"audioFilter": nil})), status: "ready", id: d2},
		{name: "no limit of sessions before", inputs: noImage("max-session-duration", "3600"), answer: one, reads: over(one), status: "red", writes: -1},
		{name: "the platform's limit of sessions, and none before", inputs: noImage("max-session-duration", "7200"), answer: one, reads: over(one), status: "unchanged", id: d1, within: 8 * time.Second},
		{name: "a bare answer, stale for good", inputs: newSet, answer: bare(d1), reads: over(one), status: "red", writes: -1},
		{name: "a bare answer, stale at first", inputs: newSet, answer: bare(d1), reads: over(one, 3, doc(d2, v1).secretSet("new-set").ready()), status: "ready", id: d2},
		{name: "a warning beside the old image", answer: one.with("warning", "nothing changes"), reads: over(one), status: "red", writes: -1, log: []string{"nothing changes"}},
		{name: "a long while", inputs: noImage("secret-set", "new-set", "wait-timeout", "45"), answer: one, reads: over(one, 20, doc(d2, v1).secretSet("new-set").ready()), status: "ready", id: d2},
		{name: "longer than there is time", inputs: noImage("secret-set", "new-set", "wait-timeout", "12"), answer: one, reads: over(one, 20, doc(d2, v1).secretSet("new-set").ready()), status: "red", writes: -1},
		{name: "then the new profile crashes", inputs: noImage("agent-profile", "agent-2x"), answer: one, reads: over(one, 2, to(one).with("agentProfile", "agent-2x").crashes()), status: "failed", reason: "crash", id: d2},
		{name: "a build asked for, and the old image", inputs: build, others: succeeded(), answer: one, reads: over(one), status: "red", writes: -1},
		{name: "a build with a redacted image, shown later", inputs: build, others: succeeded(), before: doc(d1, "[redacted]").ready(), answer: doc(d1, "[redacted]").ready(), reads: over(doc(d1, "[redacted]").ready(), 3, doc(d2, "[redacted]").ready()), status: "ready", id: d2},
		{name: "unchanged build that is named", inputs: build, others: succeeded(), before: ofBuild(one, truthBuild), answer: ofBuild(one, truthBuild), reads: over(ofBuild(one, truthBuild)), status: "unchanged", id: d1, within: 8 * time.Second},
		{name: "unchanged build that is named in capitals", inputs: build, others: succeeded(), before: ofBuild(one, strings.ToUpper(truthBuild)), answer: ofBuild(one, strings.ToUpper(truthBuild)), reads: over(ofBuild(one, strings.ToUpper(truthBuild))), status: "unchanged", id: d1, within: 8 * time.Second},
		{name: "unchanged image with other scaling", inputs: inputs("image", v1, "min-agents", "2", "max-agents", "5"), answer: one, reads: over(one), status: "unchanged", id: d1},
		{name: "unchanged scaling to none", inputs: noImage("min-agents", "0"), answer: one, reads: over(one), status: "unchanged", id: d1},
		{name: "unchanged build", inputs: build, others: succeeded(), before: doc(d1, "[redacted]").ready(), answer: doc(d1, "[redacted]").ready(), reads: over(doc(d1, "[redacted]").ready()), status: "unchanged", id: d1},
		{name: "another build is named", inputs: build, others: succeeded(), before: doc(d1, "[redacted]").ready().with("deployment.buildId", "old"),
			answer: doc(d1, "[redacted]").ready().with("deployment.buildId", "old"), reads: over(doc(d1, "[redacted]").ready().with("deployment.buildId", "old")), status: "red"},
		{name: "unchanged image", inputs: inputs("image", v1), answer: one, reads: over(one), status: "unchanged", id: d1, within: 8 * time.Second},
		{name: "unchanged after a bare answer", inputs: inputs("image", v1), answer: bare(d1), reads: over(one), status: "unchanged", id: d1, within: 8 * time.Second},
		{name: "the setting is not shown", inputs: noImage("websocket-auth", "token"), answer: one, reads: over(one), status: "unchanged", id: d1},
		{name: "unchanged scaling shown later", inputs: noImage("min-agents", "2"), answer: one, reads: over(one), status: "unchanged", id: d1},
		{name: "unchanged scaling of two", inputs: noImage("min-agents", "2", "max-agents", "20"), answer: one, reads: over(one, 2, one.with("autoScaling.minReplicas", 2, "autoScaling.maxReplicas", 20)), status: "unchanged", id: d1},
	}...)
}

// restartCases are about replicas that restart, crash loops, and the phase of what
// was given up: they count while the deployment does not serve.
func restartCases() (cases []truth) {
	ready := doc(d2, v2).ready()
	restarted := func(d document, n int) document { return d.with("currentRevision.health.restartCount", n) }
	notServing := func(n int) document {
		return doc(d2, v2).with("currentRevision.health", document{"ready": false, "state": "running", "restartCount": n, "replicasStarted": 1})
	}
	for _, reason := range []string{"CrashLoopBackOff", "crashloopbackoff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "InvalidImageName", "imagepullbackoff"} {
		cases = append(cases, truth{name: "ready, yet " + reason, reads: over(ready.waits(reason, 0)), status: "red"},
			truth{name: "ready after " + reason, reads: inTurn(ready.waits(reason, 0), ready), status: map[bool]string{true: "failed", false: "ready"}[reason == "InvalidImageName"]})
	}
	for _, phase := range []string{"Failed", "failed", "FAILED"} {
		cases = append(cases, truth{name: "ready, yet " + phase, reads: over(ready.with("currentRevision.phase", phase, "currentRevision.readyReplicas", 0)), status: "failed", within: 8 * time.Second},
			truth{name: "not ready, and " + phase, reads: over(doc(d2, v2).with("currentRevision.phase", phase)), status: "failed", within: 8 * time.Second})
	}
	code := func(d document, code any, reason any) document {
		return d.with("currentRevision.health.lastExitCode", code, "currentRevision.health.lastTerminationReason", reason)
	}
	one := doc(d1, v1).ready()
	old := func(n int) document { return doc(d1, v1).waits("Error", n) }
	return append(cases, []truth{
		{name: "a crash loop at one poll", reads: inTurn(ready.waits("CrashLoopBackOff", 0), ready), status: "ready", check: func(r *truthRun) any {
			return differs(len(r.lines(sent.isRead)) < 3, "ready at the first read")
		}},
		{name: "a crash loop at every other look", reads: again(doc(d2, v2).waits("CrashLoopBackOff", 1), doc(d2, v2)), status: "timed-out"},
		{name: "a crash loop", reads: over(doc(d2, v2).waits("CrashLoopBackOff", 1)), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "a crash loop of memory", reads: over(code(doc(d2, v2).crashes(), 137, "OOMKilled")), status: "failed", reason: "out-of-memory"},
		{name: "a crash loop of 137", reads: over(code(doc(d2, v2).crashes(), 137, nil)), status: "failed", reason: "out-of-memory"},
		{name: "a crash loop of 137 with another reason", reads: over(code(doc(d2, v2).crashes(), 137, "Error")), status: "failed", reason: "crash"},
		{name: "new restarts not serving", reads: over(notServing(3)), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "as many as are forgiven", reads: over(notServing(2), 8, restarted(ready, 2)), status: "ready"},
		{name: "none is forgiven", inputs: inputs("max-restarts", "0"), reads: over(notServing(1)), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "seven are forgiven", inputs: inputs("max-restarts", "7"), reads: over(notServing(7), 5, restarted(ready, 7)), status: "ready"},
		{name: "forgiven per replica", reads: over(notServing(6).with("currentRevision.health.replicasStarted", 3), 5, ready), status: "ready"},
		{name: "new restarts over and serves", reads: over(restarted(ready, 3)), status: "ready", id: d2},
		{name: "new restarts, many, and serves", inputs: inputs("max-restarts", "0"), reads: over(restarted(ready, 50)), status: "ready", id: d2},
		{name: "old restarts unchanged", inputs: inputs("image", v1), before: restarted(one, 9), answer: restarted(one, 9), reads: over(restarted(one, 9)), status: "unchanged"},
		{name: "old restarts, not serving and none more", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: over(old(9), 6, restarted(one, 9)), status: "unchanged", id: d1},
		{name: "unchanged keeps restarting", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: over(old(9), 3, old(11), 6, old(13)), status: "failed", reason: "crash", within: 24 * time.Second},
		{name: "unchanged in a crash loop", inputs: inputs("image", v1), before: doc(d1, v1).crashes(), answer: doc(d1, v1).crashes(), reads: over(doc(d1, v1).crashes()), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "scaled in a crash loop", inputs: noImage("min-agents", "2"), before: doc(d1, v1).crashes(), answer: doc(d1, v1).crashes(), reads: over(doc(d1, v1).crashes()), status: "failed", reason: "crash"},
		{name: "more than is forgiven per replica", reads: over(notServing(5).with("currentRevision.health.replicasStarted", 2)), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "replicas that are unknown", reads: over(notServing(3).with("currentRevision.health.replicasStarted", nil)), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "restarts that are unknown", reads: over(notServing(3).with("currentRevision.health.restartCount", absent)), status: "timed-out", reason: "not-ready"},
		{name: "unchanged restarts in new replicas", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: over(old(9), 3, old(0), 6, old(3)), status: "failed", reason: "crash", within: 24 * time.Second},
		{name: "unchanged restarts twice and serves", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: over(old(9), 3, old(11), 6, restarted(one, 11)), status: "unchanged", id: d1},
		{name: "unchanged restarts more while it serves", inputs: inputs("image", v1, "min-ready-seconds", "5"), answer: one, reads: inTurn(one, restarted(one, 5), restarted(one, 9)), status: "unchanged", id: d1},
		{name: "unchanged and given up", inputs: inputs("image", v1), before: doc(d1, v1).with("currentRevision.phase", "Failed"), answer: doc(d1, v1).with("currentRevision.phase", "Failed"), reads: over(doc(d1, v1).with("currentRevision.phase", "Failed")), status: "failed", within: 8 * time.Second},
		{name: "the one before was given up", reads: over(pending(v2).with("currentRevision.phase", "Failed"), 3, ready), status: "ready", id: d2},
		{name: "the one before crashes", reads: over(pending(v2).crashes(), 4, ready), status: "ready", id: d2},
		{name: "forced, with restarts of before", inputs: noImage("force-redeploy", "true"), before: restarted(one, 9), answer: doc(d2, v1), reads: over(doc(d2, v1).waits("Error", 2), 6, restarted(doc(d2, v1).ready(), 2)), status: "ready", id: d2},
		{name: "given up with a ready replica", reads: over(ready.with("currentRevision.phase", "failed")), status: "failed", within: 8 * time.Second},
		{name: "a crash loop around a failed read", reads: inTurn(doc(d2, v2).waits("CrashLoopBackOff", 1), refuses(503, "down"), doc(d2, v2).waits("CrashLoopBackOff", 1)), status: "failed", reason: "crash"},
		{name: "a crash with the platform's word for it", reads: over(doc(d2, v2).crashes().with("currentRevision.health.headline", "Application Error")), status: "failed", reason: "crash", log: []string{"Application Error"}},
		{name: "a crash with an odd word for it", reads: over(doc(d2, v2).crashes().with("currentRevision.health.headline", 7)), status: "failed", reason: "crash"},
		{name: "no start, with the platform's word for it", inputs: inputs("wait-timeout", "45"), reads: over(doc(d2, v2).waits("ImagePullBackOff", 0).with("currentRevision.health.headline", "Cannot pull image")), status: "failed", reason: "image-pull", log: []string{"Cannot pull image"}},
		{name: "a phase of tomorrow", reads: over(doc(d2, v2).with("currentRevision.phase", "Quantum"), 4, ready.with("currentRevision.phase", "Quantum")), status: "ready"},
		{name: "a reason of tomorrow", reads: over(ready.with("currentRevision.health.reason", "Sunshine")), status: "ready"},
		{name: "unchanged restarts that are not shown for a moment", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: inTurn(old(9), old(9).with("currentRevision.health.restartCount", absent), old(9), old(9), restarted(one, 9)), status: "unchanged", id: d1},
		{name: "unchanged restarts in a text for a moment", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: inTurn(old(9).with("currentRevision.health.restartCount", "9"), old(9), old(9), restarted(one, 9)), status: "unchanged", id: d1},
		{name: "unchanged health that is not shown for a moment", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: inTurn(old(9), doc(d1, v1), old(9), old(9), restarted(one, 9)), status: "unchanged", id: d1},
		{name: "unchanged restarts since it was read before", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: over(old(12)), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "unchanged restarts since it was read before, as many as are forgiven", inputs: inputs("image", v1), before: old(9), answer: old(9), reads: over(old(11), 6, restarted(one, 11)), status: "unchanged", id: d1},
		{name: "unchanged restarts of the first replica", inputs: inputs("image", v1), before: doc(d1, v1), answer: doc(d1, v1), reads: over(doc(d1, v1), 3, old(3)), status: "failed", reason: "crash", within: 15 * time.Second},
		{name: "negative restarts", reads: over(notServing(-3), 4, ready), status: "ready"},
		{name: "no start for long", inputs: inputs("wait-timeout", "45"), reads: over(doc(d2, v2).waits("ImagePullBackOff", 0)), status: "failed", reason: "image-pull", after: 30 * time.Second, within: 40 * time.Second},
		{name: "no start for a while", inputs: inputs("wait-timeout", "45"), reads: over(doc(d2, v2).waits("ErrImagePull", 0), 20, ready), status: "ready"},
	}...)
}

// errorCases are about the errors of the document: those that it had before are not
// ours, new ones decide when they last.
func errorCases() (cases []truth) {
	ready, waiting := doc(d2, v2).ready(), pending(v2)
	one := doc(d1, v1).ready()
	const notFound, limit, old = "PCC_IMAGE_NOT_FOUND", "PCC_IMAGE_PULL_RATE_LIMIT", "PCC_OLD"
	for name, nothing := range map[string]any{"empty list": []any{}, "list of nothing": []any{"", nil, document{}, []any{}}, "null": nil, "empty object": document{}, "empty text": "", "a number": 7, "false": false,
		"blanks": "  ", "list of blanks": []any{" ", document{"code": "", "message": " "}, document{"code": nil}}, "lists of nothing": []any{[]any{}, []any{nil, document{}}, 0}, "object of nothing": document{"items": []any{}, "total": 0, "status": "none"}} {
		cases = append(cases, truth{name: name, reads: over(ready.with("errors", nothing)), status: "ready", within: 8 * time.Second})
	}
	for name, found := range map[string]any{
		"text": notFound, "object": document{"code": notFound, "message": "x"}, "list of texts": []any{notFound},
		"after nothing": []any{nil, "", document{"code": notFound}}, "with odd fields": []any{document{"code": notFound, "message": nil, "at": 7}}, "code alone": document{"code": notFound},
		"list in a list": []any{[]any{notFound}}, "by its code": document{notFound: "no such image"}, "an error of the API": []any{document{"error": "no such image", "code": notFound}},
		"an error without a code": []any{document{"error": notFound}}, "list in an object": document{"items": []any{document{"code": notFound}}}, "a code that is a number": []any{document{"code": 404, "message": notFound}},
		"text with a message": notFound + ": no such image",
	} {
		cases = append(cases,
			truth{name: name, reads: over(doc(d2, v2).with("errors", found)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
			truth{name: name + " before reconciliation", reads: over(waiting.with("errors", found)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
			truth{name: name + " of before", before: one.with("errors", found), answer: waiting.with("errors", found), reads: over(waiting.with("errors", found), 3, ready.with("errors", found)), status: "ready"},
		)
	}
	made := doc(d2, v2).with("reconciledDeploymentId", nil, "currentRevision", nil, "available", false)
	unchanged := inputs("image", v1)
	worded := func(d document, code, words string) document {
		return d.with("errors", []any{document{"code": code, "message": words}})
	}
	return append(cases, []truth{
		{name: "a new agent's, in the answer too", before: unknown, answer: made.errors(notFound), reads: over(made.errors(notFound)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
		{name: "old in other words while ours serves", before: one.errors(old), answer: waiting.errors(old), reads: over(waiting.errors(old), 2, worded(ready, old, "for three minutes")), status: "ready", id: d2},
		{name: "old in other words while ours does not", before: one.errors(notFound), answer: waiting.errors(notFound), reads: over(worded(waiting, notFound, "no v2")), status: "failed", reason: "image-pull", within: 20 * time.Second, log: []string{"no v2"}},
		{name: "old until the deadline, and never shown", before: one.errors(notFound), answer: waiting.errors(notFound), reads: over(one.errors(notFound)), status: "timed-out", reason: "api"},
		{name: "old until the deadline, and never reconciled", before: one.errors(notFound), answer: waiting.errors(notFound), reads: over(waiting.errors(notFound)), status: "timed-out", reason: "not-scheduled"},
		{name: "another code with the old words", before: worded(one, old, "no such image"), reads: over(worded(ready, notFound, "no such image")), status: "failed", within: 20 * time.Second, log: []string{notFound}},
		{name: "without a code in other words", before: one.with("errors", "trouble"), answer: waiting.with("errors", "trouble"), reads: over(waiting.with("errors", "more trouble")), status: "failed", within: 20 * time.Second, log: []string{"more trouble"}},
		{name: "old in another shape", before: one.with("errors", old), answer: waiting.with("errors", old), reads: over(waiting, 2, worded(ready, old, "")), status: "ready", id: d2},
		{name: "a text is sorted by its code", reads: over(doc(d2, v2).with("errors", notFound)), status: "failed", reason: "image-pull"},
		{name: "a code in lower case", reads: over(doc(d2, v2).errors("pcc_image_not_found")), status: "failed", reason: "image-pull"},
		{name: "rate limit before reconciliation", reads: over(waiting.errors(limit), 9, ready), status: "ready", id: d2, log: []string{limit}},
		{name: "rate limit in lower case", reads: over(doc(d2, v2).with("errors", strings.ToLower(limit)), 9, ready), status: "ready", id: d2, log: []string{strings.ToLower(limit)}},
		{name: "new for a moment, twice", reads: over(waiting.errors("PCC_UNKNOWN_ERROR"), 4, waiting, 10, waiting.errors("PCC_UNKNOWN_ERROR"), 13, ready), status: "ready", id: d2},
		{name: "of a document from before", reads: over(one.errors(notFound), 8, ready), status: "ready", id: d2},
		{name: "of another deployment", inputs: inputs("rollback-on-failure", "true"), reads: over(doc(d3, v9).errors(notFound)), status: "superseded"},
		{name: "a new agent before reconciliation", before: unknown, answer: made, reads: over(made.errors(notFound)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
		{name: "new before reconciliation", reads: over(waiting.errors(notFound)), status: "failed", reason: "image-pull", within: 20 * time.Second, log: []string{notFound}},
		{name: "new of another kind", reads: over(waiting.errors("PCC_QUOTA_EXCEEDED")), status: "failed", reason: "refused", within: 20 * time.Second, log: []string{"PCC_QUOTA_EXCEEDED"}},
		{name: "of a wrong platform", reads: over(waiting.errors("PCC_INVALID_IMAGE_PLATFORM")), status: "failed", reason: "image-platform", within: 20 * time.Second},
		{name: "new for a moment", reads: over(waiting.errors("PCC_UNKNOWN_ERROR"), 3, waiting, 5, ready), status: "ready", log: []string{"PCC_UNKNOWN_ERROR"}},
		{name: "new at every other look", reads: again(waiting.errors("PCC_UNKNOWN_ERROR"), waiting), status: "timed-out", log: []string{"PCC_UNKNOWN_ERROR"}},
		{name: "new in the answer alone", answer: waiting.errors("PCC_UNKNOWN_ERROR"), reads: over(waiting, 3, ready), status: "ready"},
		{name: "new while it is said to be ready", reads: over(ready.errors(notFound)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
		{name: "new for a moment while it is ready", reads: over(ready.errors("PCC_UNKNOWN_ERROR"), 3, ready), status: "ready", after: 3 * time.Second, log: []string{"PCC_UNKNOWN_ERROR"}},
		{name: "old and new", before: one.errors(old), answer: waiting.errors(old), reads: over(waiting.errors(old, notFound)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
		{name: "new and old in the other order", before: one.errors(old), answer: waiting.errors(old), reads: over(waiting.errors(notFound, old)), status: "failed", reason: "image-pull", within: 20 * time.Second, log: []string{notFound}},
		{name: "old stays while ours serves", before: one.errors(old), answer: waiting.errors(old), reads: over(waiting.errors(old), 2, ready.errors(old)), status: "ready"},
		{name: "old stays while ours does not", before: one.errors(old), answer: waiting.errors(old), reads: over(waiting.errors(old)), status: "timed-out"},
		{name: "old unchanged", inputs: unchanged, before: one.errors(old), answer: one.errors(old), reads: over(one.errors(old)), status: "unchanged"},
		{name: "old unchanged and not serving", inputs: unchanged, before: doc(d1, v1).errors(old), answer: doc(d1, v1).errors(old), reads: over(doc(d1, v1).errors(old)), status: "failed", within: 20 * time.Second, log: []string{old}},
		{name: "new and unchanged", inputs: unchanged, answer: one, reads: over(one.errors(notFound)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
		{name: "rate limit, then ready", reads: over(doc(d2, v2).errors(limit), 9, ready), status: "ready", log: []string{limit}},
		{name: "rate limit with dashes", reads: over(doc(d2, v2).errors("PCC-IMAGE-PULL-RATE-LIMIT"), 9, ready), status: "ready", id: d2},
		{name: "rate limit in the words of a registry", reads: over(worded(doc(d2, v2), "PCC_IMAGE_PULL_UNKNOWN_ERROR", "toomanyrequests: You have reached your pull rate limit"), 9, ready), status: "ready", id: d2, log: []string{"pull rate limit"}},
		{name: "rate limit in the words of a registry, for good", inputs: inputs("wait-timeout", "45"), reads: over(worded(doc(d2, v2), "PCC_IMAGE_PULL_UNKNOWN_ERROR", "toomanyrequests: You have reached your pull rate limit")), status: "failed", reason: "image-pull", after: 30 * time.Second, log: []string{"pull rate limit"}},
		{name: "rate limit while it is ready", reads: over(ready.errors(limit)), status: "ready", within: 8 * time.Second, log: []string{limit}},
		{name: "rate limit for good", inputs: inputs("wait-timeout", "45"), reads: over(doc(d2, v2).errors(limit)), status: "failed", reason: "image-pull", after: 30 * time.Second, log: []string{limit}},
		{name: "rate limit and another", reads: over(doc(d2, v2).errors(limit, notFound)), status: "failed", within: 20 * time.Second, log: []string{notFound}},
		{name: "until the time is up", inputs: inputs("wait-timeout", "12"), reads: over(waiting, 9, waiting.errors(notFound)), status: "red", log: []string{notFound}},
	}...)
}

// holdCases are about min-ready-seconds: every poll that does not show the
// deployment serving begins them again, and so do more than two failed reads in a row.
func holdCases() []truth {
	ready, not := doc(d2, v2).ready(), doc(d2, v2)
	back := pending(v2)
	five := inputs("min-ready-seconds", "5", "wait-timeout", "45")
	away := refuses(503, "down")
	since := func(bad func(got any) bool) func(*truthRun) any {
		return func(r *truthRun) any {
			var last time.Time
			for _, s := range r.sent {
				if s.isRead() && bad(s.got) {
					last = s.at
				}
			}
			if ended := r.sent[0].at.Add(r.took); ended.Sub(last) < 5*time.Second {
				return fmt.Sprintf("ended %s after the last poll that did not show it", ended.Sub(last))
			}
			return nil
		}
	}
	isNot := func(got any) bool {
		d, ok := got.(document)
		return !ok || d["ready"] != true || d["reconciledDeploymentId"] != d2
	}
	return []truth{
		{name: "steady", inputs: five, reads: over(ready), status: "ready", after: 5 * time.Second, within: 12 * time.Second},
		{name: "none asked for", reads: over(ready), status: "ready", within: 4 * time.Second},
		{name: "every other look", inputs: inputs("min-ready-seconds", "5", "wait-timeout", "16"), reads: again(ready, not), status: "timed-out"},
		{name: "every third look", inputs: inputs("min-ready-seconds", "8", "wait-timeout", "16"), reads: again(ready, ready, not), status: "timed-out"},
		{name: "not ready between", inputs: five, reads: inTurn(ready, not, not, ready), status: "ready", check: since(isNot)},
		{name: "not reconciled between", inputs: five, reads: inTurn(ready, back, back, ready), status: "ready", check: since(isNot)},
		{name: "an old read between", inputs: five, reads: inTurn(ready, doc(d1, v1).ready(), ready), status: "ready", check: since(isNot)},
		{name: "another image between", inputs: five, reads: inTurn(ready, doc(d2, v9).ready(), ready), status: "ready", check: since(func(got any) bool { return strings.Contains(fmt.Sprint(got), v9) })},
		{name: "a crash loop between", inputs: five, reads: inTurn(ready, ready.waits("CrashLoopBackOff", 1), ready), status: "ready", check: since(func(got any) bool { return strings.Contains(fmt.Sprint(got), "CrashLoop") })},
		{name: "an error between", inputs: five, reads: inTurn(ready, ready.errors("PCC_X"), ready), status: "ready", check: since(func(got any) bool { return strings.Contains(fmt.Sprint(got), "PCC_X") })},
		{name: "not available between", inputs: five, reads: inTurn(ready, ready.with("available", false), ready), status: "ready", check: since(func(got any) bool { return got.(document)["available"] == false })},
		{name: "an outage between", inputs: five, reads: over(ready, 1, away, 15, ready), status: "ready", check: since(isNot)},
		{name: "a blip between", inputs: five, reads: inTurn(ready, away, ready), status: "ready", after: 5 * time.Second, within: 14 * time.Second},
		{name: "two blips between", inputs: five, reads: inTurn(ready, closed, away, ready), status: "ready", after: 5 * time.Second, within: 16 * time.Second},
		{name: "crashes before they are over", inputs: five, reads: inTurn(ready, ready, doc(d2, v2).crashes()), status: "failed", reason: "crash"},
		{name: "another takes over before they are over", inputs: five, reads: inTurn(ready, ready, doc(d3, v9).ready()), status: "superseded"},
		{name: "too few warm replicas between", inputs: inputs("wait-for", "warm", "min-agents", "3", "min-ready-seconds", "5", "wait-timeout", "45"), reads: inTurn(ready.with("currentRevision.readyReplicas", 3), ready, ready.with("currentRevision.readyReplicas", 3)), status: "ready",
			check: since(func(got any) bool { return !strings.Contains(fmt.Sprint(got), "readyReplicas:3") })},
		{name: "documents of another name between", inputs: five, reads: inTurn(ready, ready.with("name", "other"), ready.with("name", "other"), ready.with("name", "other"), ready), status: "ready", check: since(func(got any) bool { return strings.Contains(fmt.Sprint(got), "name:other") })},
		{name: "longer than there is time", inputs: inputs("min-ready-seconds", "10", "wait-timeout", "20"), reads: over(not, 13, ready), status: "timed-out"},
		{name: "of what is unchanged", inputs: inputs("min-ready-seconds", "5", "image", v1), answer: doc(d1, v1).ready(), reads: over(doc(d1, v1).ready()), status: "unchanged", after: 5 * time.Second},
	}
}

// readyCases are about what makes a document say that ours serves.
func readyCases() (cases []truth) {
	ready := doc(d2, v2).ready()
	for name, d := range map[string]document{
		"not available":                        ready.with("available", false),
		"not reconciled, no revision":          ready.with("reconciledDeploymentId", d1, "currentRevision", nil),
		"reconciled is null":                   ready.with("reconciledDeploymentId", nil, "currentRevision", nil),
		"not reconciled, with a revision":      ready.with("reconciledDeploymentId", d1),
		"ready is false":                       ready.with("ready", false),
		"ready is false, the old field absent": ready.with("ready", false, "activeDeploymentReady", absent),
		"ready is a text":                      ready.with("ready", "true"),
		"ready is a number":                    ready.with("ready", 1),
		"ready is a list":                      ready.with("ready", []any{true}),
		"neither is there":                     ready.with("ready", absent, "activeDeploymentReady", absent),
		"the old field is a text":              ready.with("ready", absent, "activeDeploymentReady", "true"),
		"a crash loop of ours":                 ready.crashes(),
		"reconciled is empty":                  ready.with("reconciledDeploymentId", ""),
		"reconciled is absent":                 ready.with("reconciledDeploymentId", absent),
		"reconciled is a later one":            ready.with("reconciledDeploymentId", d3),
		"ready is a text in capitals":          ready.with("ready", "TRUE", "activeDeploymentReady", "TRUE"),
		"ready is null, the old field false":   ready.with("ready", nil, "activeDeploymentReady", false),
		"ready is absent, and not available":   ready.with("ready", absent, "available", false),
	} {
		cases = append(cases, truth{name: "red: " + name, inputs: inputs("wait-timeout", "12"), reads: over(d), status: "red"})
	}
	for name, d := range map[string]document{
		"ready absent":                   ready.with("ready", absent),
		"ready null":                     ready.with("ready", nil),
		"the old field says otherwise":   ready.with("activeDeploymentReady", false),
		"available absent":               ready.with("available", absent),
		"available null":                 ready.with("available", nil),
		"revision null":                  ready.with("currentRevision", nil),
		"revision absent":                ready.with("currentRevision", absent),
		"revision empty":                 ready.with("currentRevision", document{}),
		"revision of before":             ready.with("currentRevision.deploymentID", d1),
		"revision of before crashes":     ready.crashes().with("currentRevision.deploymentID", d1),
		"revision of before failed":      ready.with("currentRevision.deploymentID", d1, "currentRevision.phase", "Failed"),
		"scaled to zero":                 ready.with("currentRevision.readyReplicas", 0, "currentRevision.health", nil),
		"phase Draining":                 ready.with("currentRevision.phase", "Draining"),
		"revision is a text":             ready.with("currentRevision", "none"),
		"revision is a list":             ready.with("currentRevision", []any{}),
		"health is a text":               ready.with("currentRevision.health", "fine"),
		"degraded, it is said":           ready.with("conditions", []any{document{"type": "Degraded", "status": "True", "reason": "x", "message": "y"}}),
		"fields of tomorrow":             ready.with("moon", "full", "currentRevision.moon", 1),
		"fields of another type":         ready.with("activeSessionCount", "many", "currentRevision.readyReplicas", "1"),
		"the deprecated id alone":        ready.with("desiredDeploymentId", absent),
		"the name absent":                ready.with("name", absent),
		"the previous revision crashes":  ready.with("previousRevision", doc(d1, v1).crashes()["currentRevision"]),
		"conditions":                     ready.with("conditions", []any{document{"type": "Available", "status": "True"}}),
		"conditions of another type":     ready.with("conditions", "none"),
		"degraded, and serves":           ready.with("conditions", []any{document{"type": "Degraded", "status": "False"}}),
		"an image that is another style": ready.with("deployment.manifest.spec.image", "ghcr.io/acme/bot:v2"),
	} {
		cases = append(cases, truth{name: "green: " + name, reads: over(d), status: "ready", id: d2, within: 8 * time.Second})
	}
	warm := inputs("wait-for", "warm", "min-agents", "3")
	return append(cases,
		truth{name: "warm, too few", inputs: warm, reads: over(ready), status: "timed-out", reason: "not-ready"},
		truth{name: "warm, in a text", inputs: inputs("wait-for", "warm", "min-agents", "1"), reads: over(ready.with("currentRevision.readyReplicas", "1")), status: "red"},
		truth{name: "warm, none reported", inputs: warm, reads: over(ready.with("currentRevision", nil)), status: "red"},
		truth{name: "warm, of before", inputs: warm, reads: over(ready.with("currentRevision.deploymentID", d1, "currentRevision.readyReplicas", 3)), status: "red"},
		truth{name: "warm, enough", inputs: warm, reads: over(ready, 4, ready.with("currentRevision.readyReplicas", 3)), status: "ready", after: 4 * time.Second},
		truth{name: "warm, as the agent has", inputs: inputs("wait-for", "warm"), reads: over(ready), status: "ready"},
	)
}

// evidenceCases are about documents that say nothing of the agent.
func evidenceCases() []truth {
	ready := doc(d2, v2).ready()
	noID := ready.with("desiredDeploymentId", absent, "activeDeploymentId", absent)
	other := ready.with("name", "other-agent")
	theirs := doc(d3, v9).ready().with("name", "other-agent")
	return []truth{
		{name: "no id", reads: over(noID), status: "red"},
		{name: "null ids", reads: over(noID.with("desiredDeploymentId", nil, "activeDeploymentId", nil)), status: "red"},
		{name: "empty ids", reads: over(noID.with("desiredDeploymentId", "", "activeDeploymentId", "")), status: "red"},
		{name: "ids of another type", reads: over(noID.with("desiredDeploymentId", 7)), status: "red"},
		{name: "no id for a moment", reads: over(noID, 4, ready), status: "ready", after: 4 * time.Second},
		{name: "no id in the answer", answer: noID, reads: over(ready), status: "ready", id: d2},
		{name: "other name", reads: over(other), status: "red"},
		{name: "other name in the answer", answer: other, reads: over(ready), status: "ready", id: d2},
		{name: "other name for a moment", reads: over(other, 4, ready), status: "ready", id: d2, after: 4 * time.Second},
		{name: "other deployment of another name for a moment", reads: over(theirs, 4, ready), status: "ready", id: d2, after: 4 * time.Second},
		{name: "a crash of another name for a moment", reads: over(theirs.crashes(), 4, ready), status: "ready", id: d2, after: 4 * time.Second},
		{name: "not waited for, other name", inputs: inputs("wait-for-ready", "false"), reads: over(other), status: "red"},
		{name: "nothing", reads: over(says(200, "")), status: "red"},
		{name: "HTML for a moment", reads: over(says(200, "<html>"), 4, ready), status: "ready", id: d2, after: 4 * time.Second},
		{name: "null", reads: over(says(200, "null")), status: "red"},
		{name: "a list", reads: over(says(200, "[]")), status: "red"},
		{name: "a mark of the byte order", reads: over(says(200, "\ufeff"+ready.text())), status: "ready", id: d2, within: 8 * time.Second},
		{name: "a mark of the byte order, and nothing", reads: over(says(200, "\ufeff")), status: "red"},
		{name: "two documents", reads: over(says(200, ready.text()+ready.text())), status: "red"},
		{name: "cut short", reads: over(says(200, strings.TrimSuffix(ready.text(), "}"))), status: "red"},
		{name: "in a list", reads: over(says(200, "["+ready.text()+"]")), status: "red"},
		{name: "404 for a moment", reads: inTurn(unknown, unknown, ready), status: "ready", id: d2},
		{name: "404 for good", reads: over(unknown), status: "failed", reason: "api"},
		{name: "404 of a proxy for a moment", reads: over(says(404, "<html>"), 8, ready), status: "ready", id: d2, after: 8 * time.Second},
		{name: "500 for a moment", reads: over(says(500, ""), 8, ready), status: "ready", id: d2},
		{name: "403", reads: over(refuses(403, "no")), status: "failed", reason: "auth"},
	}
}

// checkCases are about the deployment that is there, which is judged by the same
// rules, and not touched.
func checkCases() (cases []truth) {
	one, not := doc(d1, v1).ready(), doc(d1, v1)
	const old = "PCC_OLD"
	for _, c := range []truth{
		{name: "serves", before: one, status: "checked", id: d1},
		{name: "serves later", before: over(not, 6, one), status: "checked", id: d1},
		{name: "too few are warm", inputs: inputs("wait-for", "warm"), before: one.with("autoScaling.minReplicas", 3), status: "timed-out"},
		{name: "enough are warm", inputs: inputs("wait-for", "warm"), before: one.with("autoScaling.minReplicas", 3, "currentRevision.readyReplicas", 3), status: "checked", id: d1},
		{name: "ready, and a revision without an id crashes", before: one.crashes().with("ready", true, "activeDeploymentReady", true, "currentRevision.deploymentID", absent), status: "red"},
		{name: "ready, and a revision without an id is well", before: one.with("currentRevision.deploymentID", absent), status: "checked", id: d1},
		{name: "ready, and a revision in capitals crashes", before: one.crashes().with("ready", true, "activeDeploymentReady", true, "currentRevision.deploymentID", strings.ToUpper(d1)), status: "red"},
		{name: "serves after many restarts", before: one.with("currentRevision.health.restartCount", 9), status: "checked", id: d1},
		{name: "serves with an old error", before: one.errors(old), status: "checked", id: d1},
		{name: "has an error, and does not serve", before: not.errors(old), status: "failed", within: 20 * time.Second, log: []string{old}},
		{name: "gets an error", before: inTurn(one, one.errors("PCC_X")), status: "failed", within: 20 * time.Second, log: []string{"PCC_X"}},
		{name: "crashes", before: not.crashes(), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "is said to be ready, and crashes", before: one.crashes(), status: "failed", reason: "crash", within: 12 * time.Second},
		{name: "was given up", before: not.with("currentRevision.phase", "failed"), status: "failed", within: 8 * time.Second},
		{name: "is not available", before: one.with("available", false), status: "timed-out"},
		{name: "is not reconciled", before: pending(v2), status: "timed-out"},
		{name: "is reconciled later", before: over(pending(v2), 6, doc(d2, v2).ready()), status: "checked", id: d2},
		{name: "another takes over", before: inTurn(not, doc(d3, v9).ready()), status: "superseded"},
		{name: "another name", before: one.with("name", "other"), status: "red"},
		{name: "no id", before: one.with("desiredDeploymentId", absent, "activeDeploymentId", absent), status: "red"},
		{name: "not there", before: unknown, status: "failed", reason: "inputs"},
	} {
		c.inputs, c.writes, c.check = noImage("check-only", "true", "wait-for", cmp.Or(c.inputs["wait-for"], "ready")), -1, func(r *truthRun) any {
			return differs(len(r.lines(sent.isWrite)) > 0, "it writes")
		}
		cases = append(cases, c)
	}
	return cases
}

// jobsAtOnce are jobs that overlap: what each asks for, and when it begins. Each is of a
// job that is green with the deployment that serves, and the others are superseded, but
// where that has what they asked for, too.
var jobsAtOnce = []struct {
	name  string
	asked []map[string]string
	apart time.Duration
	ends  []string // status and deployment of each
}{
	{"two images", []map[string]string{inputs(), inputs("image", v3)}, 100 * time.Millisecond, []string{"superseded ", "ready " + d3}},
	{"two images, the older last", []map[string]string{inputs("image", v3), inputs()}, 100 * time.Millisecond, []string{"superseded ", "ready " + d3}},
	{"two images, the second while the first is waited for", []map[string]string{inputs("min-ready-seconds", "5"), inputs("image", v3)}, 2 * time.Second, []string{"superseded " + d2, "ready " + d3}},
	{"the same image", []map[string]string{inputs(), inputs()}, 100 * time.Millisecond, []string{"ready " + d3, "ready " + d3}},
	{"two secret sets", []map[string]string{noImage("secret-set", "set-a"), noImage("secret-set", "set-b")}, 100 * time.Millisecond, []string{"superseded ", "ready " + d3}},
	{"an image and a secret set", []map[string]string{inputs(), noImage("secret-set", "set-b")}, 100 * time.Millisecond, []string{"ready " + d3, "ready " + d3}},
	{"two that are not waited for", []map[string]string{inputs("wait-for-ready", "false"), inputs("image", v3, "wait-for-ready", "false")}, 100 * time.Millisecond, []string{"superseded ", "deployed " + d3}},
	{"two with a rollback", []map[string]string{inputs("rollback-on-failure", "true"), inputs("image", v3, "rollback-on-failure", "true")}, 100 * time.Millisecond, []string{"superseded ", "ready " + d3}},
	{"three images", []map[string]string{inputs(), inputs("image", v3), inputs("image", v9)}, 100 * time.Millisecond, []string{"superseded ", "superseded ", "ready " + d4}},
}

// playAtOnce plays jobs at once on a platform that makes each deployment at once, and
// answers later with the agent as it is then.
func playAtOnce(t *testing.T, run Program) {
	dir := scratch.Dir(t)
	for _, tt := range jobsAtOnce {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &racing{wanted: doc(d1, v1).ready()}
				ends := make([]string, len(tt.asked))
				var jobs sync.WaitGroup
				for i, asked := range tt.asked {
					jobs.Go(func() {
						time.Sleep(time.Duration(i) * tt.apart)
						code, _, values := runTruth(t, run, dir, asked, simulator.Transport(p))
						ends[i] = values["status"] + " " + values["deployment-id"]
						if (code == 0) != slices.Contains(green, values["status"]) {
							t.Errorf("exit code %d, with %s", code, ends[i])
						}
					})
				}
				jobs.Wait()
				if !slices.Equal(ends, tt.ends) || p.writes != len(tt.asked) {
					t.Errorf("got %q, want %q, and %d writes", ends, tt.ends, p.writes)
				}
			})
		})
	}
}
