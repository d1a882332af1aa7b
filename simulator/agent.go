package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"pipecat-cloud-deploy/pipecat"
)

// agent is one agent with all that was ever deployed to it.
type agent struct {
	name, region         string
	created              time.Time
	minAgents, maxAgents int
	deployments          []*deployment
}

// deployment is one accepted configuration.
type deployment struct {
	id       string
	made     time.Time
	manifest manifest
	script   Script
}

// manifest is what makes a deployment another one when it changes. Scaling is
// no part of it, nor is what stands behind an image's tag.
type manifest struct {
	Image, BuildID        string
	PullSecret, SecretSet string
	Profile, NodeType     string
	AudioFilter           string
	MaxSession            int
	WebsocketAuth         string
}

func (d *deployment) frame(now time.Time) Frame { return d.script.at(now.Sub(d.made)) }

// deploy adds a deployment to an agent.
func (c *Cloud) deploy(a *agent, m manifest, at time.Time) *deployment {
	tag := ""
	if m.BuildID != "" {
		tag = c.builds[m.BuildID].Script
	} else if i := strings.LastIndexByte(m.Image, ':'); i >= 0 {
		tag = m.Image[i+1:]
	}
	script, known := ScriptOf(tag)
	if !known {
		script, _ = ScriptOf("ok")
	}
	d := &deployment{id: c.newID(), made: at, manifest: m, script: script}
	a.deployments = append(a.deployments, d)
	return d
}

// settle makes what others do to the agent by now happen.
func (a *agent) settle(c *Cloud, now time.Time) {
	newest := a.deployments[len(a.deployments)-1]
	if after := newest.script.supersededAfter; after > 0 && now.Sub(newest.made) >= after {
		m := newest.manifest
		m.Image = "ghcr.io/acme/bot:hotfix"
		c.deploy(a, m, newest.made.Add(after))
	}
}

// servingBefore is the deployment that took calls when the newest was made.
func (a *agent) servingBefore() *deployment {
	for i := len(a.deployments) - 2; i >= 0; i-- {
		if d := a.deployments[i]; d.frame(a.deployments[i+1].made).Ready {
			return d
		}
	}
	return nil
}

// document is the ServiceDetailsResponse, as it stands at a time.
func (a *agent) document(now time.Time) object {
	d := a.deployments[len(a.deployments)-1]
	f := d.frame(now)
	before := a.servingBefore()

	doc := object{
		"name": a.name, "region": a.region,
		"createdAt": timestamp(a.created), "updatedAt": timestamp(d.made),
		"desiredDeploymentId": d.id, "activeDeploymentId": d.id,
		"autoScaling":        object{"minReplicas": a.minAgents, "maxReplicas": a.maxAgents},
		"activeSessionCount": 0,
		"agentProfile":       d.manifest.Profile,
		"krispViva":          object{"audioFilter": orNull(d.manifest.AudioFilter)},
		"deployment":         d.resource(a),
		"previousRevision":   nil,
	}
	if f.Phase == "" { // the operator has not looked: all else is still the old story
		doc["ready"], doc["available"] = before != nil, before != nil
		doc["reconciledDeploymentId"], doc["currentRevision"] = nil, nil
		if before != nil {
			doc["reconciledDeploymentId"] = before.id
			doc["currentRevision"] = before.revision(a, now)
		}
	} else {
		doc["ready"], doc["available"] = f.Ready, f.Ready || before != nil
		doc["reconciledDeploymentId"] = d.id
		doc["currentRevision"] = d.revision(a, now)
		if before != nil && !f.Ready {
			doc["previousRevision"] = before.revision(a, now)
		}
		if f.Errors != nil {
			doc["errors"] = f.Errors
		}
		if f.Condition != nil {
			doc["conditions"] = []pipecat.Condition{*f.Condition}
		}
	}
	doc["activeDeploymentReady"] = doc["ready"]
	return doc
}

// revision is the RevisionInfo of a deployment.
func (d *deployment) revision(a *agent, now time.Time) object {
	f := d.frame(now)
	rev := object{"deploymentID": d.id, "phase": f.Phase, "readyReplicas": 0, "phaseStartedAt": timestamp(d.made.Add(f.At))}
	if f.Ready {
		rev["readyReplicas"] = a.minAgents // it scales down to what is kept warm
	}
	if f.Infrastructure {
		rev["hasInfrastructureIssue"] = true
	}
	if h := f.Health; h != nil {
		health := object{"ready": h.Ready, "state": h.State, "restartCount": h.RestartCount, "replicasStarted": h.ReplicasStarted}
		for name, text := range map[string]string{"reason": h.Reason, "lastTerminationReason": h.LastTerminationReason, "message": h.Message} {
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

// resource is the deployment with its Kubernetes manifest.
func (d *deployment) resource(a *agent) object {
	resources := map[string]object{
		"agent-1x": {"cpu": "500m", "memory": "1Gi"},
		"agent-2x": {"cpu": "1000m", "memory": "2Gi"},
		"agent-3x": {"cpu": "1500m", "memory": "3Gi"},
	}
	spec := object{
		"dailyNodeType": d.manifest.NodeType,
		"image":         d.manifest.Image,
		"autoScaling":   object{"minReplicas": a.minAgents, "maxReplicas": a.maxAgents},
		"resources":     resources[d.manifest.Profile],
		"krispModels":   object{"enabled": false},
		"krispViva":     object{"audioFilters": d.manifest.AudioFilter != ""},
	}
	if d.manifest.BuildID != "" {
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
	return object{
		"id":        d.id,
		"serviceId": "b59a68ee-61c8-4d99-9ceb-e99a3953bdac",
		"createdAt": timestamp(d.made), "updatedAt": timestamp(d.made),
		"manifest": object{
			"apiVersion": "pipecatcloud.daily.co/v1", "kind": "PCService",
			"metadata": object{"name": a.name, "namespace": "tiny-ferret-maroon-123"},
			"spec":     spec,
		},
	}
}

func (c *Cloud) getAgent(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Not found")
	}
	now := time.Now()
	a.settle(c, now)
	if newest := a.deployments[len(a.deployments)-1]; now.Sub(newest.made) < c.Laggy {
		if len(a.deployments) == 1 {
			return nil, notFound("Not found")
		}
		stale := *a
		stale.deployments = a.deployments[:len(a.deployments)-1]
		return stale.document(now), nil
	}
	return a.document(now), nil
}

var agentName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])$`)

func (c *Cloud) createAgent(r *http.Request) (any, *apiError) {
	var ask pipecat.CreateRequest
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	if !agentName.MatchString(ask.ServiceName) || len(ask.ServiceName) > 54 {
		return nil, badRequest("Invalid parameters")
	}
	if c.agents[ask.ServiceName] != nil {
		return nil, badRequest("Service already exists")
	}
	if ask.Image == "" && ask.BuildID == "" {
		return nil, badRequest("Either image or buildId is required for service creation")
	}
	now := time.Now()
	a := &agent{name: ask.ServiceName, region: or(ask.Region, Regions[0]), created: now, maxAgents: 50}
	if !knownRegion(a.region) {
		return nil, badRequest("Invalid region: %s", a.region)
	}
	m := manifest{Profile: "agent-1x", NodeType: "arm"}
	if err := c.settings(a, &m, ask.Settings, "service will be created"); err != nil {
		return nil, err
	}
	if c.agents == nil {
		c.agents = map[string]*agent{}
	}
	c.agents[a.name] = a
	c.deploy(a, m, now)
	return a.document(now), nil
}

func (c *Cloud) updateAgent(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Service not found")
	}
	var ask pipecat.UpdateRequest
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	now := time.Now()
	a.settle(c, now)
	newest := a.deployments[len(a.deployments)-1]
	m := newest.manifest
	if err := c.settings(a, &m, ask.Settings, "service is"); err != nil {
		return nil, err
	}
	if m == newest.manifest && !ask.ForceRedeploy {
		doc := a.document(now)
		if ask.Image != "" || ask.BuildID != "" {
			doc["warning"] = "Configuration is unchanged, so no new deployment was created. Use forceRedeploy to create one."
		}
		return doc, nil
	}
	c.deploy(a, m, now)
	return a.document(now), nil
}

// settings checks what is asked for as the platform does, and puts it into an
// agent and its manifest. Nothing is changed when it refuses.
func (c *Cloud) settings(a *agent, m *manifest, s pipecat.Settings, subject string) *apiError {
	if s.Image != "" && s.BuildID != "" {
		return badRequest("Cannot specify both image and buildId. Use one or the other.")
	}
	if s.BuildID != "" {
		b, ok := c.builds[s.BuildID]
		switch status := b.status(time.Now()); {
		case !ok:
			return badRequest("Build not found")
		case b.Region != a.region:
			return badRequest("Build is in region '%s' but service is in region '%s'. Builds must be in the same region as the service.", b.Region, a.region)
		case status != "success":
			return badRequest("Build is not ready (status: %s). Only successful builds can be deployed.", status)
		}
		m.BuildID, m.Image = s.BuildID, ""
	}
	if s.Image != "" {
		m.Image, m.BuildID = s.Image, ""
	}
	for _, named := range []struct {
		set  string
		pull bool
		into *string
	}{{s.SecretSet, false, &m.SecretSet}, {s.ImagePullSecretSet, true, &m.PullSecret}} {
		if named.set == "" {
			continue
		}
		what := "Secret set"
		if named.pull {
			what = "Image pull secret set"
		}
		set, ok := c.secrets[named.set]
		switch {
		case !ok || set.Pull != named.pull:
			return notFound(what + " not found")
		case set.Region != a.region:
			return badRequest("%s '%s' is in region '%s' but %s in region '%s'. Secrets must be in the same region as the service.", what, set.Name, set.Region, subject, a.region)
		case set.status(time.Now()) != "ready":
			return &apiError{http.StatusConflict, "CONFLICT", what + " '" + set.Name + "' is not yet ready"}
		}
		*named.into = named.set
	}
	if d := s.MaxSessionDuration; d != 0 {
		if d < 60 || d > 14400 {
			return badRequest("Invalid parameters")
		}
		m.MaxSession = d
	}
	if scaling := s.AutoScaling; scaling != nil {
		least, most := a.minAgents, a.maxAgents
		if scaling.MinAgents != nil {
			least = *scaling.MinAgents
		}
		if scaling.MaxAgents != nil {
			most = *scaling.MaxAgents
		}
		if least < 0 || most < 1 || least > most {
			return badRequest("Invalid parameters")
		}
		a.minAgents, a.maxAgents = least, most
	}
	if s.KrispViva != nil {
		m.AudioFilter = ""
		if s.KrispViva.AudioFilter != nil {
			m.AudioFilter = *s.KrispViva.AudioFilter
		}
	}
	m.Profile, m.NodeType = or(s.AgentProfile, m.Profile), or(s.NodeType, m.NodeType)
	m.WebsocketAuth = or(s.WebsocketAuth, m.WebsocketAuth)
	return nil
}

func read(r *http.Request, into any) *apiError {
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(data, into) != nil {
		return badRequest("Invalid parameters")
	}
	return nil
}
