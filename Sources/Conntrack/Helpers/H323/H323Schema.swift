/// The messages of H.225.0 and H.245 as they are read: their components' order, sizes and names are those of the ITU-T's ASN.1, from the
/// version of 2007 that the kernel knows (`nf_conntrack_h323_types`). What stands behind the last address of a message is left out.
enum H323Schema {
  /// A `RasMessage` (H.225.0).
  static let ras = root("RasMessage", .choice, 5, 24)
  /// An `H323-UserInformation` (H.225.0), the content of Q.931's user-user element.
  static let userInformation = root("UserInformation", .seq, 1, 2)
  /// A `MultimediaSystemControlMessage` (H.245).
  static let control = root("MultimediaSystemControlMessage", .choice, 2, 4)

  private static func root(_ name: String, _ kind: PERSchema.Kind, _ bits: Int, _ lower: Int) -> PERSchema.Field {
    var field = PERSchema.Field(name: name, kind: kind, size: .bits(bits), lower: lower, upper: lower)
    field.isKept = true
    field.isExtensible = true
    field.type = schema.names[name]
    return field
  }

  static let schema: PERSchema = {
    do throws(PERSchema.Malformed) {
      return try PERSchema(text)
    } catch {
      preconditionFailure("the schema of H.323 is malformed: \(error.text)")
    }
  }()

  private static let text = """
    H221NonStandard: t35CountryCode int(byte), t35Extension int(byte), manufacturerCode int(word)
    NonStandardIdentifier: object oid, h221NonStandard seq~(0,3) H221NonStandard
    NonStandardParameter: nonStandardIdentifier choice~(1,2) NonStandardIdentifier, data octets(semi,0)
    IpAddress: ip! octets(fixed,4), port int(word)
    Route: item octets(fixed,4)
    Routing: strict nul, loose nul
    IpSourceRoute: ip octets(fixed,4), port int(word), route list(semi,0) Route, routing choice~(1,2) Routing
    IpxAddress: node octets(fixed,6), netnum octets(fixed,4), port octets(fixed,2)
    Ip6Address: ip! octets(fixed,16), port int(word)
    TransportAddress: ipAddress! seq(0,2) IpAddress, ipSourceRoute seq~(0,4) IpSourceRoute, ipxAddress seq(0,3) IpxAddress, ip6Address!
      seq~(0,2) Ip6Address, netBios octets(fixed,16), nsap octets(5,1), nonStandardAddress seq(0,2) NonStandardParameter
    GatekeeperRequest: requestSeqNum int(word), protocolIdentifier oid, nonStandardData? seq(0,2) NonStandardParameter, rasAddress!
      choice~(3,7) TransportAddress, endpointType stop
    GatekeeperConfirm: requestSeqNum int(word), protocolIdentifier oid, nonStandardData? seq(0,2) NonStandardParameter,
      gatekeeperIdentifier? bmp(7,1), rasAddress! choice~(3,7) TransportAddress, alternateGatekeeper stop
    CallSignalAddress: item! choice~(3,7) TransportAddress
    VendorIdentifier: vendor seq~(0,3) H221NonStandard, productId? octets(byte,1), versionId? octets(byte,1)
    GatekeeperInfo: nonStandardData? seq(0,2) NonStandardParameter
    SupportedProtocols: nonStandardData seq(0,2) NonStandardParameter, h310 seq~(1,1,3) GatekeeperInfo, h320 seq~(1,1,3) GatekeeperInfo,
      h321 seq~(1,1,3) GatekeeperInfo, h322 seq~(1,1,3) GatekeeperInfo, h323 seq~(1,1,3) GatekeeperInfo, h324 seq~(1,1,3) GatekeeperInfo,
      voice seq~(1,1,3) GatekeeperInfo, t120-only seq~(1,1,3) GatekeeperInfo
    Protocol: item choice~(4,9) SupportedProtocols
    GatewayInfo: protocol? list(semi,0) Protocol, nonStandardData? seq(0,2) NonStandardParameter
    EndpointType: nonStandardData? seq(0,2) NonStandardParameter, vendor? seq~(2,3) VendorIdentifier, gatekeeper? seq~(1,1)
      GatekeeperInfo, gateway? seq~(2,2) GatewayInfo, mcu? seq~(1,1,2) GatekeeperInfo, terminal? seq~(1,1) GatekeeperInfo, mc bool,
      undefinedNode bool
    AliasAddress: dialedDigits digits(7,1), h323-ID bmp(byte,1)
    TerminalAlias: item choice~(1,2) AliasAddress
    RegistrationRequest: requestSeqNum int(word), protocolIdentifier oid, nonStandardData? seq(0,2) NonStandardParameter,
      discoveryComplete bool, callSignalAddress! list(semi,0,10) CallSignalAddress, rasAddress! list(semi,0,10) CallSignalAddress,
      terminalType seq~(6,8,10) EndpointType, terminalAlias? list(semi,0) TerminalAlias, gatekeeperIdentifier? bmp(7,1), endpointVendor
      seq~(2,3) VendorIdentifier, alternateEndpoints more, timeToLive! int(cons,1), tokens stop
    RegistrationConfirm: requestSeqNum int(word), protocolIdentifier oid, nonStandardData? seq(0,2) NonStandardParameter,
      callSignalAddress! list(semi,0,10) CallSignalAddress, terminalAlias? list(semi,0) TerminalAlias, gatekeeperIdentifier? bmp(7,1),
      endpointIdentifier bmp(7,1), alternateGatekeeper more, timeToLive! int(cons,1), tokens stop
    UnregistrationRequest: requestSeqNum int(word), callSignalAddress! list(semi,0,10) CallSignalAddress, endpointAlias stop
    CallType: pointToPoint nul, oneToN nul, nToOne nul, nToN nul
    CallModel: direct nul, gatekeeperRouted nul
    AdmissionRequest: requestSeqNum int(word), callType choice~(2,4) CallType, callModel? choice~(1,2) CallModel, endpointIdentifier
      bmp(7,1), destinationInfo? list(semi,0) TerminalAlias, destCallSignalAddress?! choice~(3,7) TransportAddress, destExtraCallInfo?
      list(semi,0) TerminalAlias, srcInfo list(semi,0) TerminalAlias, srcCallSignalAddress?! choice~(3,7) TransportAddress, bandWidth stop
    AdmissionConfirm: requestSeqNum int(word), bandWidth int(cons), callModel choice~(1,2) CallModel, destCallSignalAddress! choice~(3,7)
      TransportAddress, irrFrequency stop
    LocationRequest: requestSeqNum int(word), endpointIdentifier? bmp(7,1), destinationInfo list(semi,0) TerminalAlias, nonStandardData?
      seq(0,2) NonStandardParameter, replyAddress! choice~(3,7) TransportAddress, sourceInfo stop
    LocationConfirm: requestSeqNum int(word), callSignalAddress! choice~(3,7) TransportAddress, rasAddress! choice~(3,7) TransportAddress,
      nonStandardData stop
    InfoRequestResponse: nonStandardData? seq(0,2) NonStandardParameter, requestSeqNum int(word), endpointType seq~(6,8,10) EndpointType,
      endpointIdentifier bmp(7,1), rasAddress! choice~(3,7) TransportAddress, callSignalAddress! list(semi,0,10) CallSignalAddress,
      endpointAlias stop
    RasMessage: gatekeeperRequest! seq~(4,8,18) GatekeeperRequest, gatekeeperConfirm! seq~(2,5,14) GatekeeperConfirm, gatekeeperReject
      stop, registrationRequest! seq~(3,10,31) RegistrationRequest, registrationConfirm! seq~(3,7,24) RegistrationConfirm,
      registrationReject stop, unregistrationRequest! seq~(3,5,15) UnregistrationRequest, unregistrationConfirm stop, unregistrationReject
      stop, admissionRequest! seq~(7,16,34) AdmissionRequest, admissionConfirm! seq~(2,6,27) AdmissionConfirm, admissionReject stop,
      bandwidthRequest stop, bandwidthConfirm stop, bandwidthReject stop, disengageRequest stop, disengageConfirm stop, disengageReject
      stop, locationRequest! seq~(2,5,17) LocationRequest, locationConfirm! seq~(1,4,19) LocationConfirm, locationReject stop, infoRequest
      stop, infoRequestResponse! seq~(3,8,16) InfoRequestResponse, nonStandardMessage stop, unknownMessageResponse stop, requestInProgress
      stop, resourcesAvailableIndicate stop, resourcesAvailableConfirm stop, infoRequestAck stop, infoRequestNak stop,
      serviceControlIndication stop, serviceControlResponse stop
    DestExtraCRV: item int(word)
    ConferenceGoal: create nul, join nul, invite nul
    Q954Details: conferenceCalling bool, threePartyService bool
    QseriesOptions: q932Full bool, q951Full bool, q952Full bool, q953Full bool, q955Full bool, q956Full bool, q957Full bool, q954Info
      seq~(0,2) Q954Details
    NonStandardIdentifier2: object oid, h221NonStandard seq(0,3) H221NonStandard
    NonStandardParameter2: nonStandardIdentifier choice(1,2) NonStandardIdentifier2, data octets(semi,0)
    H261VideoCapability: qcifMPI? int(2), cifMPI? int(2), temporalSpatialTradeOffCapability bool, maxBitRate int(word),
      stillImageTransmission bool
    H262VideoCapability: profileAndLevel-SPatML bool, profileAndLevel-MPatLL bool, profileAndLevel-MPatML bool, profileAndLevel-MPatH-14
      bool, profileAndLevel-MPatHL bool, profileAndLevel-SNRatLL bool, profileAndLevel-SNRatML bool, profileAndLevel-SpatialatH-14 bool,
      profileAndLevel-HPatML bool, profileAndLevel-HPatH-14 bool, profileAndLevel-HPatHL bool, videoBitRate? int(cons), vbvBufferSize?
      int(cons), samplesPerLine? int(word), linesPerFrame? int(word), framesPerSecond? int(4), luminanceSampleRate? int(cons)
    H263VideoCapability: sqcifMPI? int(5), qcifMPI? int(5), cifMPI? int(5), cif4MPI? int(5), cif16MPI? int(5), maxBitRate int(cons),
      unrestrictedVector bool, arithmeticCoding bool, advancedPrediction bool, pbFrames bool, temporalSpatialTradeOffCapability bool,
      hrd-B? int(cons), bppMaxKb? int(word)
    IS11172VideoCapability: constrainedBitstream bool, videoBitRate? int(cons), vbvBufferSize? int(cons), samplesPerLine? int(word),
      linesPerFrame? int(word), pictureRate? int(4), luminanceSampleRate? int(cons)
    VideoCapability: nonStandard seq(0,2) NonStandardParameter2, h261VideoCapability seq~(2,5,6) H261VideoCapability, h262VideoCapability
      seq~(6,17,18) H262VideoCapability, h263VideoCapability seq~(7,13,21) H263VideoCapability, is11172VideoCapability seq~(6,7,8)
      IS11172VideoCapability
    G7231: maxAl-sduAudioFrames int(byte), silenceSuppression bool
    IS11172AudioCapability: audioLayer1 bool, audioLayer2 bool, audioLayer3 bool, audioSampling32k bool, audioSampling44k1 bool,
      audioSampling48k bool, singleChannel bool, twoChannels bool, bitRate int(word)
    IS13818AudioCapability: audioLayer1 bool, audioLayer2 bool, audioLayer3 bool, audioSampling16k bool, audioSampling22k05 bool,
      audioSampling24k bool, audioSampling32k bool, audioSampling44k1 bool, audioSampling48k bool, singleChannel bool, twoChannels bool,
      threeChannels2-1 bool, threeChannels3-0 bool, fourChannels2-0-2-0 bool, fourChannels2-2 bool, fourChannels3-1 bool,
      fiveChannels3-0-2-0 bool, fiveChannels3-2 bool, lowFrequencyEnhancement bool, multilingual bool, bitRate int(word)
    AudioCapability: nonStandard seq(0,2) NonStandardParameter2, g711Alaw64k int(byte), g711Alaw56k int(byte), g711Ulaw64k int(byte),
      g711Ulaw56k int(byte), g722-64k int(byte), g722-56k int(byte), g722-48k int(byte), g7231 seq(0,2) G7231, g728 int(byte), g729
      int(byte), g729AnnexA int(byte), is11172AudioCapability seq~(0,9) IS11172AudioCapability, is13818AudioCapability seq~(0,21)
      IS13818AudioCapability
    DataProtocolCapability: nonStandard seq(0,2) NonStandardParameter2, v14buffered nul, v42lapm nul, hdlcFrameTunnelling nul,
      h310SeparateVCStack nul, h310SingleVCStack nul, transparent nul, segmentationAndReassembly more, hdlcFrameTunnelingwSAR more, v120
      more, separateLANStack more, v76wCompression more, tcp more, udp more
    DataProtocolCapability2: nonStandard seq(0,2) NonStandardParameter2, v14buffered nul, v42lapm nul, hdlcFrameTunnelling nul,
      h310SeparateVCStack nul, h310SingleVCStack nul, transparent nul
    T84Restricted: qcif bool, cif bool, ccir601Seq bool, ccir601Prog bool, hdtvSeq bool, hdtvProg bool, g3FacsMH200x100 bool,
      g3FacsMH200x200 bool, g4FacsMMR200x100 bool, g4FacsMMR200x200 bool, jbig200x200Seq bool, jbig200x200Prog bool, jbig300x300Seq bool,
      jbig300x300Prog bool, digPhotoLow bool, digPhotoMedSeq bool, digPhotoMedProg bool, digPhotoHighSeq bool, digPhotoHighProg bool
    T84Profile: t84Unrestricted nul, t84Restricted seq~(0,19) T84Restricted
    T84: t84Protocol choice~(3,7) DataProtocolCapability2, t84Profile choice(1,2) T84Profile
    Nlpid: nlpidProtocol choice~(3,7) DataProtocolCapability2, nlpidData octets(semi,0)
    Application: nonStandard seq(0,2) NonStandardParameter2, t120! choice~(3,7) DataProtocolCapability, dsm-cc choice~(3,7)
      DataProtocolCapability2, userData choice~(3,7) DataProtocolCapability2, t84 seq(0,2) T84, t434 choice~(3,7) DataProtocolCapability2,
      h224 choice~(3,7) DataProtocolCapability2, nlpid seq(0,2) Nlpid, dsvdControl nul, h222DataPartitioning choice~(3,7)
      DataProtocolCapability2, t30fax more, t140 more, t38fax more, genericDataCapability more
    DataApplicationCapability: application! choice~(4,10) Application, maxBitRate int(cons)
    EncryptionMode: nonStandard seq(0,2) NonStandardParameter2, h233Encryption nul
    DataType: nonStandard seq(0,2) NonStandardParameter2, nullData nul, videoData choice~(3,5) VideoCapability, audioData choice~(4,14)
      AudioCapability, data! seq~(0,2) DataApplicationCapability, encryptionData choice~(1,2) EncryptionMode, h235Control more, h235Media
      more, multiplexedStream more
    H222LogicalChannelParameters: resourceID int(word), subChannelID int(word), pcr-pid? int(word), programDescriptors? octets(semi,0),
      streamDescriptors? octets(semi,0)
    Al3: controlFieldOctets int(2), sendBufferSize int(cons)
    AdaptationLayerType: nonStandard seq(0,2) NonStandardParameter2, al1Framed nul, al1NotFramed nul, al2WithoutSequenceNumbers nul,
      al2WithSequenceNumbers nul, al3 seq(0,2) Al3
    H223LogicalChannelParameters: adaptationLayerType choice~(3,6) AdaptationLayerType, segmentableFlag bool
    CRCLength: crc8bit nul, crc16bit nul, crc32bit nul
    V76HDLCParameters: crcLength choice~(2,3) CRCLength, n401 int(word), loopbackTestProcedure bool
    SuspendResume: noSuspendResume nul, suspendResumewAddress nul, suspendResumewoAddress nul
    Recovery: rej nul, sREJ nul, mSREJ nul
    ERM: windowSize int(7), recovery choice~(2,3) Recovery
    Mode: eRM seq~(0,2) ERM, uNERM nul
    V75Parameters: audioHeaderPresent bool
    V76LogicalChannelParameters: hdlcParameters seq~(0,3) V76HDLCParameters, suspendResume choice~(2,3) SuspendResume, uIH bool, mode
      choice~(1,2) Mode, v75Parameters seq~(0,1) V75Parameters
    NonStandard: item seq(0,2) NonStandardParameter2
    IPAddress: network! octets(fixed,4), tsapIdentifier int(word)
    IPXAddress: node octets(fixed,6), netnum octets(fixed,4), tsapIdentifier octets(fixed,2)
    IP6Address: network! octets(fixed,16), tsapIdentifier int(word)
    IPSourceRouteAddress: routing choice(1,2) Routing, network octets(fixed,4), tsapIdentifier int(word), route list(semi,0) Route
    UnicastAddress: iPAddress! seq~(0,2) IPAddress, iPXAddress seq~(0,3) IPXAddress, iP6Address! seq~(0,2) IP6Address, netBios
      octets(fixed,16), iPSourceRouteAddress seq~(0,4) IPSourceRouteAddress, nsap more, nonStandardAddress more
    IPAddress2: network octets(fixed,4), tsapIdentifier int(word)
    IP6Address2: network octets(fixed,16), tsapIdentifier int(word)
    MulticastAddress: iPAddress seq~(0,2) IPAddress2, iP6Address seq~(0,2) IP6Address2
    TransportAddress2: unicastAddress! choice~(3,5) UnicastAddress, multicastAddress choice~(1,2) MulticastAddress
    H2250LogicalChannelParameters: nonStandard? list(semi,0) NonStandard, sessionID int(byte), associatedSessionID? int(8), mediaChannel?!
      choice~(1,2) TransportAddress2, mediaGuaranteedDelivery? bool, mediaControlChannel?! choice~(1,2) TransportAddress2,
      mediaControlGuaranteedDelivery stop
    MultiplexParameters: h222LogicalChannelParameters seq~(3,5) H222LogicalChannelParameters, h223LogicalChannelParameters seq~(0,2)
      H223LogicalChannelParameters, v76LogicalChannelParameters seq~(0,5) V76LogicalChannelParameters, h2250LogicalChannelParameters!
      seq~(10,11,14) H2250LogicalChannelParameters, none more
    ForwardLogicalChannelParameters: portNumber? int(word), dataType! choice~(3,6) DataType, multiplexParameters! choice~(2,3)
      MultiplexParameters
    Application2: nonStandard seq(0,2) NonStandardParameter2, t120 choice~(3,7) DataProtocolCapability2, dsm-cc choice~(3,7)
      DataProtocolCapability2, userData choice~(3,7) DataProtocolCapability2, t84 seq(0,2) T84, t434 choice~(3,7) DataProtocolCapability2,
      h224 choice~(3,7) DataProtocolCapability2, nlpid seq(0,2) Nlpid, dsvdControl nul, h222DataPartitioning choice~(3,7)
      DataProtocolCapability2
    DataApplicationCapability2: application choice~(4,10) Application2, maxBitRate int(cons)
    DataType2: nonStandard seq(0,2) NonStandardParameter2, nullData nul, videoData choice~(3,5) VideoCapability, audioData choice~(4,14)
      AudioCapability, data seq~(0,2) DataApplicationCapability2, encryptionData choice~(1,2) EncryptionMode
    MultiplexParameters2: h223LogicalChannelParameters seq~(0,2) H223LogicalChannelParameters, v76LogicalChannelParameters seq~(0,5)
      V76LogicalChannelParameters, h2250LogicalChannelParameters! seq~(10,11,14) H2250LogicalChannelParameters
    ReverseLogicalChannelParameters: dataType choice~(3,6) DataType2, multiplexParameters?! choice~(1,2) MultiplexParameters2
    Distribution: unicast nul, multicast nul
    Address: internationalNumber digits(4,1), nsapAddress octets(5,1)
    Q2931Address: address choice~(1,2) Address, subaddress? octets(5,1)
    NetworkAddress: q2931Address seq~(1,2) Q2931Address, e164Address digits(7,1), localAreaAddress! choice~(1,2) TransportAddress2
    NetworkAccessParameters: distribution? choice~(1,2) Distribution, networkAddress! choice~(2,3) NetworkAddress, associateConference
      bool, externalReference? octets(8,1)
    OpenLogicalChannel: forwardLogicalChannelNumber int(word), forwardLogicalChannelParameters! seq~(1,3,5)
      ForwardLogicalChannelParameters, reverseLogicalChannelParameters?! seq~(1,2,4) ReverseLogicalChannelParameters, separateStack!
      seq~(2,4,5) NetworkAccessParameters, encryptionSync stop
    FastStart: item! open seq~(1,3,5) OpenLogicalChannel
    SetupUUIE: protocolIdentifier oid, h245Address?! choice~(3,7) TransportAddress, sourceAddress? list(semi,0) TerminalAlias, sourceInfo
      seq~(6,8,10) EndpointType, destinationAddress? list(semi,0) TerminalAlias, destCallSignalAddress?! choice~(3,7) TransportAddress,
      destExtraCallInfo? list(semi,0) TerminalAlias, destExtraCRV? list(semi,0) DestExtraCRV, activeMC bool, conferenceID
      octets(fixed,16), conferenceGoal choice~(2,3) ConferenceGoal, callServices? seq~(0,8) QseriesOptions, callType choice~(2,4)
      CallType, sourceCallSignalAddress! choice~(3,7) TransportAddress, remoteExtensionAddress more, callIdentifier more,
      h245SecurityCapability more, tokens more, cryptoTokens more, fastStart! list(semi,0,30) FastStart, mediaWaitForConnect more,
      canOverlapSend more, endpointIdentifier stop
    CallProceedingUUIE: protocolIdentifier oid, destinationInfo seq~(6,8,10) EndpointType, h245Address?! choice~(3,7) TransportAddress,
      callIdentifier more, h245SecurityMode more, tokens more, cryptoTokens more, fastStart! list(semi,0,30) FastStart
    ConnectUUIE: protocolIdentifier oid, h245Address?! choice~(3,7) TransportAddress, destinationInfo seq~(6,8,10) EndpointType,
      conferenceID octets(fixed,16), callIdentifier more, h245SecurityMode more, tokens more, cryptoTokens more, fastStart!
      list(semi,0,30) FastStart
    InformationUUIE: protocolIdentifier oid
    ReleaseCompleteReason: noBandwidth nul, gatekeeperResources nul, unreachableDestination nul, destinationRejection nul, invalidRevision
      nul, noPermission nul, unreachableGatekeeper nul, gatewayResources nul, badFormatAddress nul, adaptiveBusy nul, inConf nul,
      undefinedReason nul
    ReleaseCompleteUUIE: protocolIdentifier oid, reason? choice~(4,12) ReleaseCompleteReason
    FacilityReason: routeCallToGatekeeper nul, callForwarded nul, routeCallToMC nul, undefinedReason nul, conferenceListChoice more,
      startH245 more, noH245 more, newTokens more, featureSetUpdate more, forwardedElements more, transportedInformation more
    FacilityUUIE: protocolIdentifier oid, alternativeAddress?! choice~(3,7) TransportAddress, alternativeAliasAddress? list(semi,0)
      TerminalAlias, conferenceID? octets(fixed,16), reason! choice~(2,4) FacilityReason, callIdentifier more, destExtraCallInfo more,
      remoteExtensionAddress more, tokens more, cryptoTokens more, conferences more, h245Address! choice~(3,7) TransportAddress,
      fastStart! list(semi,0,30) FastStart
    CallIdentifier: guid octets(fixed,16)
    SecurityServiceMode: nonStandard seq(0,2) NonStandardParameter, none nul, default nul
    SecurityCapabilities: nonStandard? seq(0,2) NonStandardParameter, encryption choice~(2,3) SecurityServiceMode, authenticaton
      choice~(2,3) SecurityServiceMode, integrity choice~(2,3) SecurityServiceMode
    H245Security: nonStandard seq(0,2) NonStandardParameter, noSecurity nul, tls seq~(1,4) SecurityCapabilities, ipsec seq~(1,4)
      SecurityCapabilities
    DHset: halfkey bits(word,0), modSize bits(word,0), generator bits(word,0)
    TypedCertificate: type oid, certificate octets(semi,0)
    NonStandardParameter3: nonStandardIdentifier oid, data octets(semi,0)
    ClearToken: tokenOID oid, timeStamp? int(cons), password? bmp(7,1), dhkey? seq~(0,3) DHset, challenge? octets(7,8), random? int(unco),
      certificate? seq~(0,2) TypedCertificate, generalID? bmp(7,1), nonStandard? seq(0,2) NonStandardParameter3
    Tokens: item seq~(8,9,11) ClearToken
    Params: ranInt? int(unco), iv8? octets(fixed,8)
    Token: algorithmOID oid, paramS seq~(2,2,3) Params, hash bits(semi)
    CryptoEPPwdHash: alias choice~(1,2) AliasAddress, timeStamp int(cons), token seq(0,3) Token
    CryptoGKPwdHash: gatekeeperId bmp(7,1), timeStamp int(cons), token seq(0,3) Token
    CryptoEPPwdEncr: algorithmOID oid, paramS seq~(2,2,3) Params, encryptedData octets(semi,0)
    CryptoEPCert: toBeSigned open, algorithmOID oid, paramS seq~(2,2,3) Params, signature bits(semi)
    CryptoEncryptedToken: tokenOID oid, token seq(0,3) CryptoEPPwdEncr
    CryptoSignedToken: tokenOID oid, token seq(0,4) CryptoEPCert
    CryptoHashedToken: tokenOID oid, hashedVals seq~(8,9,11) ClearToken, token seq(0,3) Token
    CryptoToken: cryptoEncryptedToken seq(0,2) CryptoEncryptedToken, cryptoSignedToken seq(0,2) CryptoSignedToken, cryptoHashedToken
      seq(0,3) CryptoHashedToken, cryptoPwdEncr seq(0,3) CryptoEPPwdEncr
    CryptoH323Token: cryptoEPPwdHash seq(0,3) CryptoEPPwdHash, cryptoGKPwdHash seq(0,3) CryptoGKPwdHash, cryptoEPPwdEncr seq(0,3)
      CryptoEPPwdEncr, cryptoGKPwdEncr seq(0,3) CryptoEPPwdEncr, cryptoEPCert seq(0,4) CryptoEPCert, cryptoGKCert seq(0,4) CryptoEPCert,
      cryptoFastStart seq(0,4) CryptoEPCert, nestedcryptoToken choice~(2,4) CryptoToken
    CryptoTokens: item choice~(3,8) CryptoH323Token
    ProgressUUIE: protocolIdentifier oid, destinationInfo seq~(6,8,10) EndpointType, h245Address?! choice~(3,7) TransportAddress,
      callIdentifier seq~(0,1) CallIdentifier, h245SecurityMode? choice~(2,4) H245Security, tokens? list(semi,0) Tokens, cryptoTokens?
      list(semi,0) CryptoTokens, fastStart?! list(semi,0,30) FastStart
    Body: setup! seq~(7,13,39) SetupUUIE, callProceeding! seq~(1,3,12) CallProceedingUUIE, connect! seq~(1,4,19) ConnectUUIE, alerting!
      seq~(1,3,17) CallProceedingUUIE, information seq~(0,1,7) InformationUUIE, releaseComplete seq~(1,2,11) ReleaseCompleteUUIE,
      facility! seq~(3,5,21) FacilityUUIE, progress! seq~(5,8,11) ProgressUUIE, empty more, status more, statusInquiry more,
      setupAcknowledge more, notify more
    RequestMessage: nonStandard stop, masterSlaveDetermination stop, terminalCapabilitySet stop, openLogicalChannel! seq~(1,3,5)
      OpenLogicalChannel, closeLogicalChannel stop, requestChannelClose stop, multiplexEntrySend stop, requestMultiplexEntry stop,
      requestMode stop, roundTripDelayRequest stop, maintenanceLoopRequest stop, communicationModeRequest stop, conferenceRequest stop,
      multilinkRequest stop, logicalChannelRateRequest stop
    MultiplexParameters3: h222LogicalChannelParameters seq~(3,5) H222LogicalChannelParameters, h2250LogicalChannelParameters!
      seq~(10,11,14) H2250LogicalChannelParameters
    ReverseLogicalChannelParameters2: reverseLogicalChannelNumber int(word), portNumber? int(word), multiplexParameters?! choice~(0,1)
      MultiplexParameters3
    H2250LogicalChannelAckParameters: nonStandard? list(semi,0) NonStandard, sessionID? int(8), mediaChannel?! choice~(1,2)
      TransportAddress2, mediaControlChannel?! choice~(1,2) TransportAddress2, dynamicRTPPayloadType? int(5)
    ForwardMultiplexAckParameters: h2250LogicalChannelAckParameters! seq~(5,5,7) H2250LogicalChannelAckParameters
    OpenLogicalChannelAck: forwardLogicalChannelNumber int(word), reverseLogicalChannelParameters?! seq~(2,3,4)
      ReverseLogicalChannelParameters2, separateStack! seq~(2,4,5) NetworkAccessParameters, forwardMultiplexAckParameters! choice~(0,1)
      ForwardMultiplexAckParameters, encryptionSync stop
    ResponseMessage: nonStandard stop, masterSlaveDeterminationAck stop, masterSlaveDeterminationReject stop, terminalCapabilitySetAck
      stop, terminalCapabilitySetReject stop, openLogicalChannelAck! seq~(1,2,5) OpenLogicalChannelAck, openLogicalChannelReject stop,
      closeLogicalChannelAck stop, requestChannelCloseAck stop, requestChannelCloseReject stop, multiplexEntrySendAck stop,
      multiplexEntrySendReject stop, requestMultiplexEntryAck stop, requestMultiplexEntryReject stop, requestModeAck stop,
      requestModeReject stop, roundTripDelayResponse stop, maintenanceLoopAck stop, maintenanceLoopReject stop, communicationModeResponse
      stop, conferenceResponse stop, multilinkResponse stop, logicalChannelRateAcknowledge stop, logicalChannelRateReject stop
    MultimediaSystemControlMessage: request! choice~(4,11) RequestMessage, response! choice~(5,19) ResponseMessage, command stop,
      indication stop
    H245Control: item! open choice~(2,4) MultimediaSystemControlMessage
    H323UUPDU: h323-message-body! choice~(3,7) Body, nonStandardData? seq(0,2) NonStandardParameter, h4501SupplementaryService more,
      h245Tunneling more, h245Control! list(semi,0,4) H245Control, nonStandardControl stop
    UserInformation: h323-uu-pdu! seq~(1,2,11) H323UUPDU, user-data stop
    """
}
