package simulator

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Organization is the name of the simulated organization in the paths that the
// platform's own CLI calls.
const Organization = "simulated-org"

// serveOrganization adds the paths that the platform's own CLI calls, 1.4 at
// least: those of an organization. They show the same agents, builds and secret
// sets. No document of the platform describes them; their shapes are those that the
// CLI's source reads. .ci/oracle runs it.
func (c *Cloud) serveOrganization() {
	for route, handle := range map[string]func(*http.Request) (any, *apiError){
		"GET services":                         c.listAgents,
		"POST services":                        c.createAgent,
		"PUT services":                         c.updateService,
		"GET services/{name}":                  c.getService,
		"DELETE services/{name}":               c.deleteAgent,
		"GET services/{name}/deployments":      c.listDeployments,
		"GET services/{name}/logs":             c.getLogs,
		"GET services/{name}/sessions":         c.listSessions,
		"GET services/{name}/sessions/{id}":    c.getSession,
		"DELETE services/{name}/sessions/{id}": c.deleteSession,
		"POST builds/upload-url":               c.uploadURL,
		"POST builds":                          c.createBuild,
		"GET builds":                           c.listBuilds,
		"GET builds/{id}":                      c.getBuild,
		"GET builds/{id}/logs":                 c.getBuildLogs,
		"GET secrets":                          c.listSecretSets,
		"GET secrets/{set}":                    c.getSecretSet,
		"PUT secrets/{set}":                    c.putSecret,
		"DELETE secrets/{set}":                 c.deleteSecretSet,
		"DELETE secrets/{set}/{key}":           c.deleteSecret,
		"GET properties":                       c.getProperties,
		"PATCH properties":                     c.patchProperties,
		"GET properties/schema":                c.getPropertiesSchema,
		"GET regions":                          c.getRegions,
		"GET agent-profiles":                   c.listProfiles,
	} {
		c.mux.HandleFunc(strings.Replace(route, " ", " /v1/organizations/{org}/", 1), func(w http.ResponseWriter, r *http.Request) {
			if r.PathValue("org") != Organization {
				c.reply(w, nil, notFound("Organization not found"))
				return
			}
			c.mu.Lock()
			answer, err := handle(r)
			c.mu.Unlock()
			c.reply(w, answer, err)
		})
	}
	c.mux.HandleFunc("GET /v1/organizations", func(w http.ResponseWriter, _ *http.Request) {
		c.reply(w, object{"organizations": []object{{"id": organizationID, "name": Organization, "verboseName": "Simulated"}}}, nil)
	})
}

// getService is getAgent with its document in an envelope.
func (c *Cloud) getService(r *http.Request) (any, *apiError) {
	doc, err := c.getAgent(r)
	return object{"body": doc}, err
}

// updateService is updateAgent of the agent that the body names.
func (c *Cloud) updateService(r *http.Request) (any, *apiError) {
	var ask struct {
		Name string `json:"serviceName"`
	}
	body, err := readAgain(r, &ask)
	if err != nil {
		return nil, err
	}
	r.SetPathValue("name", ask.Name)
	r.Body = body
	return c.updateAgent(r)
}

func (c *Cloud) listDeployments(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Not found")
	}
	list := []object{}
	for _, d := range slices.Backward(a.deployments) {
		list = append(list, d.resource(a))
	}
	return object{"deployments": list}, nil
}

// putSecret is putSecretSet, to which the CLI sends one key after another.
func (c *Cloud) putSecret(r *http.Request) (any, *apiError) {
	var ask struct {
		Pull   bool   `json:"isImagePullSecret"`
		Key    string `json:"secretKey"`
		Value  string `json:"secretValue"`
		Region string `json:"region,omitempty"`
	}
	body, err := readAgain(r, &ask)
	if err != nil {
		return nil, err
	}
	r.Body = body
	if !ask.Pull {
		set := object{"secrets": []object{{"secretKey": ask.Key, "secretValue": ask.Value}}}
		if ask.Region != "" {
			set["region"] = ask.Region
		}
		data, _ := json.Marshal(set)
		r.Body = io.NopCloser(bytes.NewReader(data))
	}
	return c.putSecretSet(r)
}

func (c *Cloud) listProfiles(*http.Request) (any, *apiError) {
	list := []object{}
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		list = append(list, object{"api_name": name, "display_name": name, "resources": profiles[name], "custom": false, "enabled": true})
	}
	return object{"agentProfiles": list}, nil
}

// readAgain reads a request's body into a value, and returns the body as it was.
func readAgain(r *http.Request, into any) (io.ReadCloser, *apiError) {
	var kept bytes.Buffer
	r.Body = io.NopCloser(io.TeeReader(r.Body, &kept))
	err := read(r, into)
	return io.NopCloser(&kept), err
}
