package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// agent is one agent with all that was ever deployed to it.
type agent struct {
	name, region         string
	created              time.Time
	minAgents, maxAgents int
	cloud                *Cloud
	errors               []pipecat.AgentError // that stay, whatever is deployed
	deployments          []*deployment        // the newest last; there is one at least
	sessions             []*session           // the newest last
	seen                 Seen                 // by the last read
}

// deployment is one accepted configuration.
type deployment struct {
	id       string
	made     time.Time
	manifest Manifest
	script   Script
	foreign  bool // made by another client inside a request, or by a script
}

// Manifest is what makes a deployment another one when it changes. Scaling is
// no part of it, nor is what stands behind an image's tag.
type Manifest struct {
	Image, BuildID        string
	PullSecret, SecretSet string
	Profile, NodeType     string
	Resources             pipecat.Resources // in place of a Profile
	AudioFilter           string
	MaxSession            int
	WebsocketAuth         string
}

func (d *deployment) frame(now time.Time) Frame { return d.script.at(now.Sub(d.made)) }

// deploy adds a deployment to an agent.
func (c *Cloud) deploy(a *agent, m Manifest, at time.Time) *deployment {
	tag := ""
	if m.BuildID != "" {
		tag = c.builds[m.BuildID].Script
	} else if i := strings.LastIndexByte(m.Image, ':'); i >= 0 {
		tag = m.Image[i+1:]
	}
	script, known := c.Scripts[tag]
	if !known {
		script, known = ScriptOf(tag)
	}
	if !known {
		script, _ = ScriptOf("ok")
	}
	d := &deployment{id: c.newID(), made: at, manifest: m, script: script}
	a.deployments = append(a.deployments, d)
	return d
}

func (a *agent) timestamp(t time.Time) string { return timestamp(t.Add(a.cloud.Skew)) }

// settle applies what other clients have done to the agent until now.
func (a *agent) settle(c *Cloud, now time.Time) {
	newest := a.deployments[len(a.deployments)-1]
	if after := newest.script.supersededAfter; after > 0 && now.Sub(newest.made) >= after {
		m := newest.manifest
		m.Image = "ghcr.io/acme/bot:hotfix"
		c.deploy(a, m, newest.made.Add(after)).foreign = true
	}
}

// shown is the agent with what was deployed up to a time, nil when there was
// nothing.
func (a *agent) shown(until time.Time) *agent {
	for n := len(a.deployments); n > 0; n-- {
		if !a.deployments[n-1].made.After(until) {
			then := *a
			then.deployments = a.deployments[:n]
			return &then
		}
	}
	return nil
}

// newest is the deployment that is desired.
func (a *agent) newest() *deployment { return a.deployments[len(a.deployments)-1] }

// before is the newest deployment but the desired one of which ok is true at the
// time when the next was made.
func (a *agent) before(ok func(Frame) bool) *deployment {
	for i := len(a.deployments) - 2; i >= 0; i-- {
		if d := a.deployments[i]; ok(d.frame(a.deployments[i+1].made)) {
			return d
		}
	}
	return nil
}

// servingBefore is the deployment that took calls before the newest does.
func (a *agent) servingBefore() *deployment { return a.before(Frame.serves) }

// reconciledBefore is the deployment that the operator worked on before the newest.
func (a *agent) reconciledBefore() *deployment {
	return a.before(func(f Frame) bool { return f.Phase != "" })
}

// document is the ServiceDetailsResponse at a time. As is the time of which the
// settings of the desired deployment are: see Cloud.TornFor.
func (a *agent) document(now, as time.Time) object {
	d := a.newest()
	f := d.frame(now)
	old, before := a.reconciledBefore(), a.servingBefore()
	shown := *d
	if n := len(a.deployments); n > 1 && as.Sub(d.made) < a.cloud.TornFor {
		shown.manifest = torn(d.manifest, a.deployments[n-2].manifest, a.cloud.Torn)
	}

	doc := object{
		"name": a.name, "region": a.region,
		"createdAt": a.timestamp(a.created), "updatedAt": a.timestamp(d.made),
		"desiredDeploymentId": d.id, "activeDeploymentId": d.id,
		"autoScaling":        object{"minReplicas": a.minAgents, "maxReplicas": a.maxAgents},
		"activeSessionCount": a.activeSessions(),
		"agentProfile":       shown.manifest.Profile,
		"krispViva":          object{"audioFilter": orNull(shown.manifest.AudioFilter)},
		"deployment":         shown.resource(a),
		"previousRevision":   nil,
	}
	if r := shown.manifest.Resources; r.CPU != "" {
		doc["agentProfile"], doc["resources"] = nil, object{"cpu": r.CPU, "memory": r.Memory}
	}
	if a.cloud.ShowWebsocketAuth {
		doc["websocketAuth"] = shown.manifest.WebsocketAuth
	}
	if f.Phase == "" { // the operator has not looked: all else is still the old story
		doc["ready"] = false
		doc["reconciledDeploymentId"], doc["currentRevision"] = nil, nil
		if old != nil {
			of := old.frame(now)
			doc["ready"] = of.Ready
			doc["reconciledDeploymentId"] = old.id
			doc["currentRevision"] = old.revision(a, now)
			if before != nil && before != old && !of.Ready {
				doc["previousRevision"] = before.revision(a, now)
			}
		}
	} else {
		doc["ready"] = f.Ready
		doc["reconciledDeploymentId"] = d.id
		doc["currentRevision"] = d.revision(a, now)
		if f.RevisionBefore {
			doc["currentRevision"] = nil
			if old != nil {
				doc["currentRevision"] = old.revision(a, now)
			}
		}
		if before != nil && !f.Ready {
			doc["previousRevision"] = before.revision(a, now)
		}
		if f.Condition != nil {
			doc["conditions"] = []pipecat.Condition{*f.Condition}
		}
	}
	if errs := a.shownErrors(now); len(errs) > 0 {
		doc["errors"] = a.cloud.ErrorsAs.of(errs)
	}
	doc["available"] = a.available(now)
	doc["activeDeploymentReady"] = doc["ready"]
	switch {
	case a.cloud.DeprecatedReady: // it alone says
		delete(doc, "ready")
	case f.ActiveReady:
		doc["activeDeploymentReady"] = true
	}
	return doc
}

// available reports whether the agent says that any deployment takes calls.
func (a *agent) available(now time.Time) bool {
	f, before := a.newest().frame(now), a.servingBefore()
	if old := a.reconciledBefore(); f.Phase == "" {
		return before != nil && !old.frame(now).Unavailable
	}
	return (f.Ready || before != nil) && !f.Unavailable
}

// shownErrors are those that stay, and those of the deployment that the document
// speaks of.
func (a *agent) shownErrors(now time.Time) []pipecat.AgentError {
	f := a.newest().frame(now)
	errs := append(slices.Clone(a.errors), f.Errors...)
	if old := a.reconciledBefore(); f.Phase == "" && f.Errors == nil && old != nil {
		errs = append(errs, old.frame(now).Errors...)
	}
	return errs
}

// Seen is what one read showed of an agent, by the simulator's own books.
type Seen struct {
	Desired    string // the deployment that was desired
	Reconciled bool   // the operator works on it
	Serving    bool   // it takes calls
	Ready      int    // its replicas that are ready
	Available  bool   // it or an earlier one takes calls
	Failed     bool   // the platform gave it up
	Health     *pipecat.Health
	Errors     []pipecat.AgentError
}

// look is what a document of the agent shows at a time.
func (a *agent) look(now time.Time) Seen {
	d := a.newest()
	f := d.frame(now)
	s := Seen{Desired: d.id, Reconciled: f.Phase != "", Serving: f.serves(), Errors: a.cloud.ErrorsAs.seen(a.shownErrors(now))}
	s.Available = a.available(now)
	if s.Reconciled && !f.RevisionBefore {
		s.Failed, s.Health, s.Ready = strings.EqualFold(f.Phase, pipecat.Failed), f.Health, d.ready(a, f)
	}
	return s
}

// torn is a manifest with some settings of another one.
func torn(m, old Manifest, settings []string) Manifest {
	for _, name := range settings {
		switch name {
		case "image":
			m.Image, m.BuildID = old.Image, old.BuildID
		case "image-credentials":
			m.PullSecret = old.PullSecret
		case "secret-set":
			m.SecretSet = old.SecretSet
		case "agent-profile":
			m.Profile, m.Resources = old.Profile, old.Resources
		case "krisp-viva-audio-filter":
			m.AudioFilter = old.AudioFilter
		case "max-session-duration":
			m.MaxSession = old.MaxSession
		}
	}
	return m
}

// ready is how many replicas are ready.
func (d *deployment) ready(a *agent, f Frame) int {
	if !f.Ready {
		return 0
	}
	return cmp.Or(f.Replicas, a.minAgents) // it scales down to what is kept warm
}

// revision is the RevisionInfo of a deployment.
func (d *deployment) revision(a *agent, now time.Time) object {
	f := d.frame(now)
	rev := object{"deploymentID": d.id, "phase": f.Phase, "readyReplicas": d.ready(a, f), "phaseStartedAt": a.timestamp(d.made.Add(f.At))}
	if f.Infrastructure {
		rev["hasInfrastructureIssue"] = true
	}
	if h := f.Health; h != nil {
		health := object{"ready": h.Ready, "state": h.State, "restartCount": h.Restarts(), "replicasStarted": h.ReplicasStarted}
		for name, text := range map[string]string{"reason": h.Reason, "lastTerminationReason": h.LastTerminationReason, "message": h.Message, "headline": h.Headline} {
			if text != "" {
				health[name] = text
			}
		}
		if h.LastExitCode != nil {
			health["lastExitCode"] = *h.LastExitCode
		}
		rev["health"] = health
	}
	return rev
}

// profiles are what agents may have of a machine.
var profiles = map[string]object{
	"agent-1x": {"cpu": "500m", "memory": "1Gi"},
	"agent-2x": {"cpu": "1000m", "memory": "2Gi"},
	"agent-3x": {"cpu": "1500m", "memory": "3Gi"},
}

const serviceID = "b59a68ee-61c8-4d99-9ceb-e99a3953bdac"

// resource is the deployment with its Kubernetes manifest.
func (d *deployment) resource(a *agent) object {
	spec := object{
		"dailyNodeType": d.manifest.NodeType,
		"image":         d.manifest.Image,
		"autoScaling":   object{"minReplicas": a.minAgents, "maxReplicas": a.maxAgents},
		"resources":     profiles[d.manifest.Profile],
		"krispModels":   object{"enabled": false},
		"krispViva":     object{"audioFilters": d.manifest.AudioFilter != ""},
	}
	resource := object{
		"id":        d.id,
		"serviceId": serviceID,
		"createdAt": a.timestamp(d.made), "updatedAt": a.timestamp(d.made),
		"manifest": object{
			"apiVersion": "pipecatcloud.daily.co/v1", "kind": "PCService",
			"metadata": object{"name": a.name, "namespace": "tiny-ferret-maroon-123"},
			"spec":     spec,
		},
	}
	switch {
	case d.manifest.BuildID == "":
	case a.cloud.ShowBuilds:
		resource["buildId"] = d.manifest.BuildID
		delete(spec, "image")
	default:
		spec["image"] = "[redacted]"
	}
	if d.manifest.PullSecret != "" {
		spec["imagePullSecretName"] = d.manifest.PullSecret
	}
	if d.manifest.SecretSet != "" {
		spec["envFromSecretNames"] = []string{d.manifest.SecretSet}
	}
	if d.manifest.MaxSession != 0 {
		spec["maxSessionDurationSeconds"] = d.manifest.MaxSession
	}
	return resource
}

func (c *Cloud) getAgent(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Not found")
	}
	now := time.Now()
	a.settle(c, now)
	as := now.Add(-c.nextLag())
	shown := a.shown(as)
	if shown == nil {
		return nil, notFound("Not found")
	}
	a.seen = shown.look(now)
	return shown.document(now, as), nil
}

// nextLag is how far the next read lags.
func (c *Cloud) nextLag() time.Duration {
	lag := c.ReadLag
	if n := len(c.ReadLags); n > 0 {
		lag += c.ReadLags[c.reads%n]
		c.reads++
	}
	return lag
}
