package phone

import "encoding/json"

// Messages of RTVI, by which the framework's bots talk to their clients. All bots
// understand version 1.0.0. Many greet only once the client is ready.
//
// https://docs.pipecat.ai/client/rtvi-standard
const (
	clientReady   = `{"id":"1","label":"rtvi-ai","type":"client-ready","data":{"version":"1.0.0","about":{"library":"pipecat-cloud-deploy"}}}`
	disconnectBot = `{"id":"2","label":"rtvi-ai","type":"disconnect-bot"}`
)

// rtvi reads a message of RTVI.
func rtvi(text []byte) Heard {
	var m struct {
		Type string `json:"type"`
		Data struct {
			Error   string `json:"error"`
			Message string `json:"message"` // in older versions
		} `json:"data"`
	}
	if json.Unmarshal(text, &m) != nil || m.Type != "error" {
		return Heard{}
	}
	if m.Data.Error == "" {
		m.Data.Error = m.Data.Message
	}
	return Heard{Error: m.Data.Error}
}
