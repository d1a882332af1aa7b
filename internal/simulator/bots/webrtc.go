package bots

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/zaf/g711"
)

// Peer is where a bot takes calls by WebRTC.
type Peer struct {
	Net transport.Net // nil: the machine's, within which alone it can be reached
	// Lost are the packets of sound of each hundred that it does not send.
	Lost int
}

// Answer takes a call by WebRTC: it answers an offer, and goes on by itself until one
// of the two hangs up, or ctx is done. Messages gets those of the caller, and over is
// called at the end of a call that was answered; both may be nil.
func (b Bot) Answer(ctx context.Context, p Peer, offer string, messages func(string), over func()) (answer string, err error) {
	peer, track, err := p.connection()
	if err != nil {
		return "", err
	}
	l := &peerLine{peer: peer, track: track, lost: p.Lost, heard: make(chan []int16, 64), ended: make(chan struct{})}
	connected := make(chan struct{})
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			close(connected)
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateDisconnected:
			l.end()
		}
	})
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { l.listen(track) })
	peer.OnDataChannel(func(c *webrtc.DataChannel) {
		l.channel.Store("chat", c)
		c.OnClose(l.end)
		c.OnMessage(func(m webrtc.DataChannelMessage) {
			if messages != nil {
				messages(string(m.Data))
			}
		})
	})
	gathered := webrtc.GatheringCompletePromise(peer)
	err = peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err == nil {
		var description webrtc.SessionDescription
		if description, err = peer.CreateAnswer(nil); err == nil {
			err = peer.SetLocalDescription(description)
		}
	}
	if err != nil {
		return "", errors.Join(err, peer.GracefulClose())
	}
	<-gathered
	go func() {
		if over != nil {
			defer over()
		}
		select {
		case <-connected:
			b.talk(ctx, l)
		case <-ctx.Done():
			l.close()
		case <-l.ended:
			l.close()
		}
	}()
	return peer.LocalDescription().SDP, nil
}

func (p Peer) connection() (*webrtc.PeerConnection, *webrtc.TrackLocalStaticSample, error) {
	codec := webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}}
	var engine webrtc.MediaEngine
	if err := engine.RegisterCodec(codec, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, nil, err
	}
	settings := webrtc.SettingEngine{LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard}}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	settings.DisableCloseByDTLS(true)
	if p.Net != nil {
		settings.SetNet(p.Net)
	}
	peer, err := webrtc.NewAPI(webrtc.WithMediaEngine(&engine), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, nil, err
	}
	track, err := webrtc.NewTrackLocalStaticSample(codec.RTPCodecCapability, "audio", "bot")
	if err == nil {
		_, err = peer.AddTrack(track)
	}
	return peer, track, err
}

// peerLine is a call by WebRTC.
type peerLine struct {
	peer    *webrtc.PeerConnection
	track   *webrtc.TrackLocalStaticSample
	channel sync.Map // the data channel, once there is one
	lost    int
	sent    int
	heard   chan []int16
	once    sync.Once
	ended   chan struct{}
}

func (l *peerLine) rate() int { return 8000 }

func (l *peerLine) send(_ context.Context, samples []int16) error {
	const packet = 160 // samples of 20 ms
	for ; len(samples) >= packet; samples = samples[packet:] {
		payload := make([]byte, packet)
		for i, s := range samples[:packet] {
			payload[i] = g711.EncodeUlawFrame(s)
		}
		sample := media.Sample{Data: payload, Duration: 20 * time.Millisecond}
		if l.sent++; l.sent*7%100 < l.lost { // the next is numbered as if it had been sent
			sample = media.Sample{Duration: sample.Duration, PrevDroppedPackets: 1}
		}
		if err := l.track.WriteSample(sample); err != nil {
			return err
		}
	}
	return nil
}

func (l *peerLine) listen(track *webrtc.TrackRemote) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		samples := make([]int16, len(packet.Payload))
		for i, b := range packet.Payload {
			samples[i] = g711.DecodeUlawFrame(b)
		}
		select {
		case l.heard <- samples:
		default:
		}
	}
}

func (l *peerLine) hear(ctx context.Context) ([]int16, error) {
	select {
	case samples := <-l.heard:
		return samples, nil
	case <-l.ended:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *peerLine) end() { l.once.Do(func() { close(l.ended) }) }

// close says that the bot leaves, as the framework does, and goes.
func (l *peerLine) close() {
	if c, ok := l.channel.Load("chat"); ok {
		data, _ := json.Marshal(map[string]any{"type": "signalling", "message": map[string]string{"type": "peerLeft"}})
		_ = c.(*webrtc.DataChannel).SendText(string(data))
		time.Sleep(100 * time.Millisecond) // the message goes first
	}
	_ = l.peer.GracefulClose()
}
