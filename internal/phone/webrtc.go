package phone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/webrtc/v4"

	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
)

const (
	gatherLimit = 3 * time.Second  // for servers that do not say how the caller is seen
	mediaLimit  = 15 * time.Second // from the answer until there is a way through the network
	channel     = "chat"           // the framework's clients call the data channel so
)

// WebRTC calls an agent by SmallWebRTC, with the codec of telephones.
//
// https://docs.pipecat.ai/server/services/transport/small-webrtc
type WebRTC struct {
	// Offer sends an offer to the agent, and returns its answer. Its error may be a
	// *pipecat.Error. It is tried again while the agent's instance starts.
	Offer func(ctx context.Context, sdp string) (answer string, err error)
	// Servers help to find a way through the network.
	Servers []pipecat.ICEServer
	// Loopback allows a way within this machine.
	Loopback bool
	// Net is the network; nil: the machine's.
	Net transport.Net
}

// Dial offers a call, and waits until there is a way for sound.
func (w WebRTC) Dial(ctx context.Context) (Line, error) {
	l := &peerLine{heard: make(chan Heard, 64), ended: make(chan error, 1), connected: make(chan struct{})}
	if err := w.dial(ctx, l); err != nil {
		brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpLimit)
		defer cancel()
		l.HangUp(brief)
		if known := (*Error)(nil); errors.As(err, &known) {
			return nil, known
		}
		if ctx.Err() != nil {
			return nil, &Error{Problem: cancelled(ctx), Err: ctx.Err()}
		}
		return nil, &Error{Problem: Unsuitable, Err: err}
	}
	return l, nil
}

func (w WebRTC) dial(ctx context.Context, l *peerLine) (err error) {
	if l.peer, err = w.newPeer(); err != nil {
		return err
	}
	if l.track, err = webrtc.NewTrackLocalStaticRTP(pcmu, "audio", "caller"); err != nil {
		return err
	}
	if _, err = l.peer.AddTrack(l.track); err != nil {
		return err
	}
	if err = l.watch(); err != nil {
		return err
	}
	offer, err := l.offer(ctx)
	if err != nil {
		return err
	}
	answer, err := w.send(ctx, offer)
	if err != nil {
		return err
	}
	described := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}
	if l.peer.SetRemoteDescription(described) != nil || declines(&described) {
		return errors.New("the agent's answer is no description of a call by PCMU") // the answer itself is left out
	}
	return l.connect(ctx)
}

// declines reports whether an answer declines the sound that was offered.
//
// https://www.rfc-editor.org/rfc/rfc3264#section-6
func declines(answer *webrtc.SessionDescription) bool {
	described, err := answer.Unmarshal()
	return err != nil || slices.ContainsFunc(described.MediaDescriptions, func(m *sdp.MediaDescription) bool {
		return m.MediaName.Media == "audio" && m.MediaName.Port.Value == 0
	})
}

// pcmu is G.711 µ-law, which every agent speaks.
var pcmu = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: narrow}

func (w WebRTC) newPeer() (*webrtc.PeerConnection, error) {
	var media webrtc.MediaEngine
	if err := media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: pcmu}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard}}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(w.Loopback)
	settings.SetICETimeouts(5*time.Second, 10*time.Second, 2*time.Second)
	if w.Net != nil {
		settings.SetNet(w.Net)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(&media), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	return api.NewPeerConnection(webrtc.Configuration{ICEServers: usable(w.Servers)})
}

// usable are the servers that can be asked. One that cannot must not end the call: there
// may be a way without it.
func usable(servers []pipecat.ICEServer) (all []webrtc.ICEServer) {
	for _, s := range servers {
		for _, address := range s.URLs {
			u, err := stun.ParseURI(address)
			turn := err == nil && (u.Scheme == stun.SchemeTypeTURN || u.Scheme == stun.SchemeTypeTURNS)
			if err == nil && !(turn && (s.Username == "" || s.Credential == "")) {
				all = append(all, webrtc.ICEServer{URLs: []string{address}, Username: s.Username, Credential: s.Credential})
			}
		}
	}
	return all
}

// send sends the offer until the agent's instance is there to answer it.
func (w WebRTC) send(ctx context.Context, offer string) (string, error) {
	next := pacing.Exponential(500*time.Millisecond, 1.5, 4*time.Second)
	for {
		answer, err := w.Offer(ctx, offer)
		if err == nil {
			return answer, nil
		}
		refused := (*pipecat.Error)(nil)
		switch {
		case ctx.Err() != nil:
			return "", &Error{Problem: cancelled(ctx), Err: ctx.Err()}
		case !errors.As(err, &refused):
			return "", &Error{Problem: Unreachable, Err: err}
		case refused.Status != http.StatusNotFound && !refused.Temporary():
			return "", &Error{Problem: Refused, Status: refused.Status, Err: err}
		}
		if pacing.Sleep(ctx, pacing.After(next, refused.RetryAfter)) != nil {
			return "", &Error{Problem: cancelled(ctx), Status: refused.Status, Err: err}
		}
	}
}

// peerLine is a call by WebRTC.
type peerLine struct {
	peer      *webrtc.PeerConnection
	track     *webrtc.TrackLocalStaticRTP
	channel   *webrtc.DataChannel
	heard     chan Heard
	ended     chan error    // why the call has ended; it holds one
	connected chan struct{} // closed once there is a way for sound
	reached   atomic.Bool   // the two have reached each other, whether they agree or not
	mouth     packets
}

// watch has the line learn what happens to the peer.
func (l *peerLine) watch() (err error) {
	l.peer.OnConnectionStateChange(l.changed)
	l.peer.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		if state == webrtc.ICEConnectionStateConnected {
			l.reached.Store(true)
		}
	})
	l.peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { l.listen(track) })
	if l.channel, err = l.peer.CreateDataChannel(channel, nil); err != nil { // the agent makes none
		return err
	}
	l.channel.OnOpen(func() {
		_ = l.channel.SendText(clientReady)
		l.channel.OnClose(func() { l.end(&HangUp{}) }) // an agent that goes closes it
	})
	l.channel.OnMessage(func(m webrtc.DataChannelMessage) {
		if h, hungUp := message(m.Data); hungUp {
			l.end(&HangUp{})
		} else if h.Error != "" {
			l.arrived(h)
		}
	})
	return nil
}

func (l *peerLine) changed(state webrtc.PeerConnectionState) {
	switch state {
	case webrtc.PeerConnectionStateConnected:
		select {
		case <-l.connected:
		default:
			close(l.connected)
		}
	case webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateFailed:
		l.end(l.broken(state))
	}
}

// broken says why there is no connection any more, or never was one. Which of the two
// sides refuses how the other encrypts first is chance: then it is closed or failed.
func (l *peerLine) broken(state webrtc.PeerConnectionState) error {
	closed := state == webrtc.PeerConnectionStateClosed
	select {
	case <-l.connected:
		if closed {
			return &HangUp{}
		}
		return &Error{Problem: Broken, Err: errors.New("nothing arrives any more")}
	default:
	}
	switch {
	case l.reached.Load():
		return &Error{Problem: Unsuitable, Err: errors.New("the two do not agree on how to encrypt the call")}
	case closed:
		return &HangUp{}
	}
	return &Error{Problem: NoMedia, Err: errors.New("no way through the network works")}
}

// offer describes the call, with the ways to the caller that are known in time.
func (l *peerLine) offer(ctx context.Context) (string, error) {
	offer, err := l.peer.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(l.peer)
	if err := l.peer.SetLocalDescription(offer); err != nil {
		return "", err
	}
	timer := time.NewTimer(gatherLimit)
	defer timer.Stop()
	select {
	case <-gathered:
	case <-timer.C:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return l.peer.LocalDescription().SDP, nil
}

// connect waits for a way for sound.
func (l *peerLine) connect(ctx context.Context) error {
	timer := time.NewTimer(mediaLimit)
	defer timer.Stop()
	select {
	case <-l.connected:
		return nil
	case err := <-l.ended:
		if hungUp := (*HangUp)(nil); errors.As(err, &hungUp) {
			return &Error{Problem: Broken, Err: errors.New("the agent hung up before it was connected")}
		}
		return err
	case <-timer.C:
		return &Error{Problem: NoMedia, Err: fmt.Errorf("no way through the network was found in %s", mediaLimit)}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// message reads a message of the data channel: one of RTVI, or of the transport.
func message(data []byte) (h Heard, hungUp bool) {
	var m struct {
		Type    string `json:"type"`
		Message struct {
			Type string `json:"type"`
		} `json:"message"`
	}
	if json.Unmarshal(data, &m) == nil && m.Type == "signalling" {
		return Heard{}, m.Message.Type == "peerLeft"
	}
	return rtvi(data), false
}

// end says why the call has ended, the first time.
func (l *peerLine) end(err error) {
	select {
	case l.ended <- err:
	default:
	}
}

// arrived hands on what was heard. A caller who does not listen misses it.
func (l *peerLine) arrived(h Heard) {
	select {
	case l.heard <- h:
	default:
	}
}

func (l *peerLine) Hear(ctx context.Context) (Heard, error) {
	select { // what arrived before the end comes before it
	case h := <-l.heard:
		return h, nil
	default:
	}
	select {
	case h := <-l.heard:
		return h, nil
	case err := <-l.ended:
		l.end(err) // it stays so
		return Heard{}, err
	case <-ctx.Done():
		return Heard{}, &Error{Problem: Cancelled, Err: ctx.Err()}
	}
}

func (l *peerLine) HangUp(ctx context.Context) {
	if l.peer == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if l.channel != nil && l.channel.ReadyState() == webrtc.DataChannelStateOpen {
			_ = l.channel.SendText(disconnectBot)
		}
		_ = l.peer.GracefulClose()
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
}
