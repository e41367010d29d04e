/// The messages of H.225.0 and H.245: the part of the ITU-T's ASN.1 that is needed to find the addresses in them.
///
/// Extension additions are those of the versions that the kernel supports: H.225.0 of 2000, and H.245 of the same time. Components
/// after the last address of a message are left out. If both recommendations have a type of the same name, the plain name is
/// H.225.0's and H.245's has the prefix `H245`.
enum H323Schema {
  /// A `RasMessage` (H.225.0).
  static let ras = root("RasMessage")
  /// An `H323-UserInformation` (H.225.0), the content of Q.931's user-user element.
  static let userInformation = root("H323-UserInformation")
  /// A `MultimediaSystemControlMessage` (H.245).
  static let control = root("MultimediaSystemControlMessage")

  static let schema = valid { () throws(PERSchema.Malformed) in
    try PERSchema([basics, endpoints, channels, controlMessages, calls, registration].joined(), keeping: interest)
  }

  private static func root(_ name: String) -> PERSchema.Field { valid { () throws(PERSchema.Malformed) in try schema.root(name) } }

  private static func valid<Value>(_ make: () throws(PERSchema.Malformed) -> Value) -> Value {
    do throws(PERSchema.Malformed) {
      return try make()
    } catch {
      preconditionFailure("the schema of H.323 is malformed: \(error.text)")
    }
  }

  /// The components to keep: addresses, their containers, and values that the helpers read. Of long lists the kernel keeps the beginning.
  private static let interest = PERSchema.Interest(
    names: [
      "ipAddress", "ip6Address", "ip", "iPAddress", "iP6Address", "network", "unicastAddress", "localAreaAddress",
      "gatekeeperRequest", "gatekeeperConfirm", "registrationRequest", "registrationConfirm", "unregistrationRequest", "admissionRequest",
      "admissionConfirm", "locationRequest", "locationConfirm", "infoRequestResponse",
      "rasAddress", "callSignalAddress", "destCallSignalAddress", "srcCallSignalAddress", "replyAddress", "timeToLive",
      "h323-uu-pdu", "h323-message-body", "setup", "callProceeding", "connect", "alerting", "facility", "progress",
      "h245Address", "sourceCallSignalAddress", "alternativeAddress", "reason", "fastStart", "h245Control",
      "request", "response", "openLogicalChannel", "openLogicalChannelAck", "forwardLogicalChannelParameters",
      "reverseLogicalChannelParameters", "dataType", "data", "application", "t120", "multiplexParameters", "h2250LogicalChannelParameters",
      "mediaChannel", "mediaControlChannel", "separateStack", "networkAddress", "forwardMultiplexAckParameters",
      "h2250LogicalChannelAckParameters",
    ],
    elements: ["rasAddress": 10, "callSignalAddress": 10, "fastStart": 30, "h245Control": 4])

  // MARK: H.225.0 and H.235

  private static let basics = """
    H221NonStandard ::= SEQUENCE { t35CountryCode INTEGER (0..255), t35Extension INTEGER (0..255), manufacturerCode INTEGER (0..65535), ... }
    NonStandardIdentifier ::= CHOICE { object OBJECT IDENTIFIER, h221NonStandard H221NonStandard, ... }
    NonStandardParameter ::= SEQUENCE { nonStandardIdentifier NonStandardIdentifier, data OCTET STRING }

    TransportAddress ::= CHOICE {
      ipAddress SEQUENCE { ip OCTET STRING (SIZE (4)), port INTEGER (0..65535) },
      ipSourceRoute SEQUENCE {
        ip OCTET STRING (SIZE (4)), port INTEGER (0..65535), route SEQUENCE OF OCTET STRING (SIZE (4)),
        routing CHOICE { strict NULL, loose NULL, ... }, ... },
      ipxAddress SEQUENCE { node OCTET STRING (SIZE (6)), netnum OCTET STRING (SIZE (4)), port OCTET STRING (SIZE (2)) },
      ip6Address SEQUENCE { ip OCTET STRING (SIZE (16)), port INTEGER (0..65535), ... },
      netBios OCTET STRING (SIZE (16)), nsap OCTET STRING (SIZE (1..20)), nonStandardAddress NonStandardParameter, ... }

    AliasAddress ::= CHOICE { dialledDigits DialledString (SIZE (1..128)), h323-ID BMPString (SIZE (1..256)), ... }

    H235NonStandardParameter ::= SEQUENCE { nonStandardIdentifier OBJECT IDENTIFIER, data OCTET STRING }
    DHset ::= SEQUENCE { halfkey BIT STRING (SIZE (0..2048)), modSize BIT STRING (SIZE (0..2048)), generator BIT STRING (SIZE (0..2048)), ... }
    ClearToken ::= SEQUENCE {
      tokenOID OBJECT IDENTIFIER, timeStamp INTEGER (1..4294967295) OPTIONAL, password BMPString (SIZE (1..128)) OPTIONAL,
      dhkey DHset OPTIONAL, challenge OCTET STRING (SIZE (8..128)) OPTIONAL, random INTEGER OPTIONAL,
      certificate SEQUENCE { type OBJECT IDENTIFIER, certificate OCTET STRING, ... } OPTIONAL, generalID BMPString (SIZE (1..128)) OPTIONAL,
      nonStandard H235NonStandardParameter OPTIONAL, ..., eckasdhkey, sendersID }
    Params ::= SEQUENCE { ranInt INTEGER OPTIONAL, iv8 OCTET STRING (SIZE (8)) OPTIONAL, ..., iv16 }
    HashedToken ::= SEQUENCE { algorithmOID OBJECT IDENTIFIER, paramS Params, hash BIT STRING }
    EncryptedToken ::= SEQUENCE { algorithmOID OBJECT IDENTIFIER, paramS Params, encryptedData OCTET STRING }
    SignedToken ::= SEQUENCE { toBeSigned, algorithmOID OBJECT IDENTIFIER, paramS Params, signature BIT STRING }
    CryptoToken ::= CHOICE {
      cryptoEncryptedToken SEQUENCE { tokenOID OBJECT IDENTIFIER, token EncryptedToken },
      cryptoSignedToken SEQUENCE { tokenOID OBJECT IDENTIFIER, token SignedToken },
      cryptoHashedToken SEQUENCE { tokenOID OBJECT IDENTIFIER, hashedVals ClearToken, token HashedToken },
      cryptoPwdEncr EncryptedToken, ... }
    CryptoH323Token ::= CHOICE {
      cryptoEPPwdHash SEQUENCE { alias AliasAddress, timeStamp INTEGER (1..4294967295), token HashedToken },
      cryptoGKPwdHash SEQUENCE { gatekeeperId BMPString (SIZE (1..128)), timeStamp INTEGER (1..4294967295), token HashedToken },
      cryptoEPPwdEncr EncryptedToken, cryptoGKPwdEncr EncryptedToken, cryptoEPCert SignedToken, cryptoGKCert SignedToken,
      cryptoFastStart SignedToken, nestedcryptoToken CryptoToken, ... }
    SecurityServiceMode ::= CHOICE { nonStandard NonStandardParameter, none NULL, default NULL, ... }
    SecurityCapabilities ::= SEQUENCE {
      nonStandard NonStandardParameter OPTIONAL, encryption SecurityServiceMode, authentication SecurityServiceMode,
      integrity SecurityServiceMode, ... }
    H245Security ::= CHOICE { nonStandard NonStandardParameter, noSecurity NULL, tls SecurityCapabilities, ipsec SecurityCapabilities, ... }

    """

  private static let endpoints = """
    ProtocolCaps ::= SEQUENCE { nonStandardData NonStandardParameter OPTIONAL, ..., dataRatesSupported, supportedPrefixes }
    SupportedProtocols ::= CHOICE {
      nonStandardData NonStandardParameter, h310 ProtocolCaps, h320 ProtocolCaps, h321 ProtocolCaps, h322 ProtocolCaps, h323 ProtocolCaps,
      h324 ProtocolCaps, voice ProtocolCaps, t120-only ProtocolCaps, ... }
    EndpointType ::= SEQUENCE {
      nonStandardData NonStandardParameter OPTIONAL,
      vendor SEQUENCE {
        vendor H221NonStandard, productId OCTET STRING (SIZE (1..256)) OPTIONAL, versionId OCTET STRING (SIZE (1..256)) OPTIONAL, ... } OPTIONAL,
      gatekeeper SEQUENCE { nonStandardData NonStandardParameter OPTIONAL, ... } OPTIONAL,
      gateway SEQUENCE { protocol SEQUENCE OF SupportedProtocols OPTIONAL, nonStandardData NonStandardParameter OPTIONAL, ... } OPTIONAL,
      mcu SEQUENCE { nonStandardData NonStandardParameter OPTIONAL, ..., protocol } OPTIONAL,
      terminal SEQUENCE { nonStandardData NonStandardParameter OPTIONAL, ... } OPTIONAL,
      mc BOOLEAN, undefinedNode BOOLEAN, ..., set, supportedTunnelledProtocols }
    CallType ::= CHOICE { pointToPoint NULL, oneToN NULL, nToOne NULL, nToN NULL, ... }
    CallModel ::= CHOICE { direct NULL, gatekeeperRouted NULL, ... }
    CallIdentifier ::= SEQUENCE { guid OCTET STRING (SIZE (16)), ... }
    QseriesOptions ::= SEQUENCE {
      q932Full BOOLEAN, q951Full BOOLEAN, q952Full BOOLEAN, q953Full BOOLEAN, q955Full BOOLEAN, q956Full BOOLEAN, q957Full BOOLEAN,
      q954Info SEQUENCE { conferenceCalling BOOLEAN, threePartyService BOOLEAN, ... }, ... }

    """

  // MARK: H.245

  private static let channels = """
    H245NonStandardParameter ::= SEQUENCE {
      nonStandardIdentifier CHOICE {
        object OBJECT IDENTIFIER,
        h221NonStandard SEQUENCE { t35CountryCode INTEGER (0..255), t35Extension INTEGER (0..255), manufacturerCode INTEGER (0..65535) } },
      data OCTET STRING }

    VideoCapability ::= CHOICE {
      nonStandard H245NonStandardParameter,
      h261VideoCapability SEQUENCE {
        qcifMPI INTEGER (1..4) OPTIONAL, cifMPI INTEGER (1..4) OPTIONAL, temporalSpatialTradeOffCapability BOOLEAN,
        maxBitRate INTEGER (1..19200), stillImageTransmission BOOLEAN, ..., videoBadMBsCap },
      h262VideoCapability SEQUENCE {
        profileAndLevel-SPatML BOOLEAN, profileAndLevel-MPatLL BOOLEAN, profileAndLevel-MPatML BOOLEAN, profileAndLevel-MPatH-14 BOOLEAN,
        profileAndLevel-MPatHL BOOLEAN, profileAndLevel-SNRatLL BOOLEAN, profileAndLevel-SNRatML BOOLEAN,
        profileAndLevel-SpatialatH-14 BOOLEAN, profileAndLevel-HPatML BOOLEAN, profileAndLevel-HPatH-14 BOOLEAN,
        profileAndLevel-HPatHL BOOLEAN, videoBitRate INTEGER (0..1073741823) OPTIONAL, vbvBufferSize INTEGER (0..262143) OPTIONAL,
        samplesPerLine INTEGER (0..16383) OPTIONAL, linesPerFrame INTEGER (0..16383) OPTIONAL, framesPerSecond INTEGER (0..15) OPTIONAL,
        luminanceSampleRate INTEGER (0..4294967295) OPTIONAL, ..., videoBadMBsCap },
      h263VideoCapability SEQUENCE {
        sqcifMPI INTEGER (1..32) OPTIONAL, qcifMPI INTEGER (1..32) OPTIONAL, cifMPI INTEGER (1..32) OPTIONAL, cif4MPI INTEGER (1..32) OPTIONAL,
        cif16MPI INTEGER (1..32) OPTIONAL, maxBitRate INTEGER (1..192400), unrestrictedVector BOOLEAN, arithmeticCoding BOOLEAN,
        advancedPrediction BOOLEAN, pbFrames BOOLEAN, temporalSpatialTradeOffCapability BOOLEAN, hrd-B INTEGER (0..524287) OPTIONAL,
        bppMaxKb INTEGER (0..65535) OPTIONAL, ..., slowSqcifMPI, slowQcifMPI, slowCifMPI, slowCif4MPI, slowCif16MPI, errorCompensation,
        enhancementLayerInfo, h263Options },
      is11172VideoCapability SEQUENCE {
        constrainedBitstream BOOLEAN, videoBitRate INTEGER (0..1073741823) OPTIONAL, vbvBufferSize INTEGER (0..262143) OPTIONAL,
        samplesPerLine INTEGER (0..16383) OPTIONAL, linesPerFrame INTEGER (0..16383) OPTIONAL, pictureRate INTEGER (0..15) OPTIONAL,
        luminanceSampleRate INTEGER (0..4294967295) OPTIONAL, ..., videoBadMBsCap },
      ... }

    AudioCapability ::= CHOICE {
      nonStandard H245NonStandardParameter, g711Alaw64k INTEGER (1..256), g711Alaw56k INTEGER (1..256), g711Ulaw64k INTEGER (1..256),
      g711Ulaw56k INTEGER (1..256), g722-64k INTEGER (1..256), g722-56k INTEGER (1..256), g722-48k INTEGER (1..256),
      g7231 SEQUENCE { maxAl-sduAudioFrames INTEGER (1..256), silenceSuppression BOOLEAN },
      g728 INTEGER (1..256), g729 INTEGER (1..256), g729AnnexA INTEGER (1..256),
      is11172AudioCapability SEQUENCE {
        audioLayer1 BOOLEAN, audioLayer2 BOOLEAN, audioLayer3 BOOLEAN, audioSampling32k BOOLEAN, audioSampling44k1 BOOLEAN,
        audioSampling48k BOOLEAN, singleChannel BOOLEAN, twoChannels BOOLEAN, bitRate INTEGER (1..448), ... },
      is13818AudioCapability SEQUENCE {
        audioLayer1 BOOLEAN, audioLayer2 BOOLEAN, audioLayer3 BOOLEAN, audioSampling16k BOOLEAN, audioSampling22k05 BOOLEAN,
        audioSampling24k BOOLEAN, audioSampling32k BOOLEAN, audioSampling44k1 BOOLEAN, audioSampling48k BOOLEAN, singleChannel BOOLEAN,
        twoChannels BOOLEAN, threeChannels2-1 BOOLEAN, threeChannels3-0 BOOLEAN, fourChannels2-0-2-0 BOOLEAN, fourChannels2-2 BOOLEAN,
        fourChannels3-1 BOOLEAN, fiveChannels3-0-2-0 BOOLEAN, fiveChannels3-2 BOOLEAN, lowFrequencyEnhancement BOOLEAN,
        multilingual BOOLEAN, bitRate INTEGER (1..1130), ... },
      ... }

    DataProtocolCapability ::= CHOICE {
      nonStandard H245NonStandardParameter, v14buffered NULL, v42lapm NULL, hdlcFrameTunnelling NULL, h310SeparateVCStack NULL,
      h310SingleVCStack NULL, transparent NULL, ..., segmentationAndReassembly, hdlcFrameTunnelingwSAR, v120, separateLANStack,
      v76wCompression, tcp, udp }
    DataApplicationCapability ::= SEQUENCE {
      application CHOICE {
        nonStandard H245NonStandardParameter, t120 DataProtocolCapability, dsm-cc DataProtocolCapability, userData DataProtocolCapability,
        t84 SEQUENCE {
          t84Protocol DataProtocolCapability,
          t84Profile CHOICE {
            t84Unrestricted NULL,
            t84Restricted SEQUENCE {
              qcif BOOLEAN, cif BOOLEAN, ccir601Seq BOOLEAN, ccir601Prog BOOLEAN, hdtvSeq BOOLEAN, hdtvProg BOOLEAN,
              g3FacsMH200x100 BOOLEAN, g3FacsMH200x200 BOOLEAN, g4FacsMMR200x100 BOOLEAN, g4FacsMMR200x200 BOOLEAN,
              jbig200x200Seq BOOLEAN, jbig200x200Prog BOOLEAN, jbig300x300Seq BOOLEAN, jbig300x300Prog BOOLEAN, digPhotoLow BOOLEAN,
              digPhotoMedSeq BOOLEAN, digPhotoMedProg BOOLEAN, digPhotoHighSeq BOOLEAN, digPhotoHighProg BOOLEAN, ... } } },
        t434 DataProtocolCapability, h224 DataProtocolCapability,
        nlpid SEQUENCE { nlpidProtocol DataProtocolCapability, nlpidData OCTET STRING },
        dsvdControl NULL, h222DataPartitioning DataProtocolCapability, ... },
      maxBitRate INTEGER (0..4294967295), ... }
    DataType ::= CHOICE {
      nonStandard H245NonStandardParameter, nullData NULL, videoData VideoCapability, audioData AudioCapability,
      data DataApplicationCapability, encryptionData CHOICE { nonStandard H245NonStandardParameter, h233Encryption NULL, ... }, ... }

    H222LogicalChannelParameters ::= SEQUENCE {
      resourceID INTEGER (0..65535), subChannelID INTEGER (0..8191), pcr-pid INTEGER (0..8191) OPTIONAL,
      programDescriptors OCTET STRING OPTIONAL, streamDescriptors OCTET STRING OPTIONAL, ... }
    H223LogicalChannelParameters ::= SEQUENCE {
      adaptationLayerType CHOICE {
        nonStandard H245NonStandardParameter, al1Framed NULL, al1NotFramed NULL, al2WithoutSequenceNumbers NULL, al2WithSequenceNumbers NULL,
        al3 SEQUENCE { controlFieldOctets INTEGER (0..2), sendBufferSize INTEGER (0..16777215) }, ... },
      segmentableFlag BOOLEAN, ... }
    V76LogicalChannelParameters ::= SEQUENCE {
      hdlcParameters SEQUENCE {
        crcLength CHOICE { crc8bit NULL, crc16bit NULL, crc32bit NULL, ... }, n401 INTEGER (1..4095), loopbackTestProcedure BOOLEAN, ... },
      suspendResume CHOICE { noSuspendResume NULL, suspendResumewAddress NULL, suspendResumewoAddress NULL, ... },
      uIH BOOLEAN,
      mode CHOICE {
        eRM SEQUENCE { windowSize INTEGER (1..127), recovery CHOICE { rej NULL, sREJ NULL, mSREJ NULL, ... }, ... }, uNERM NULL, ... },
      v75Parameters SEQUENCE { audioHeaderPresent BOOLEAN, ... }, ... }

    H245TransportAddress ::= CHOICE {
      unicastAddress CHOICE {
        iPAddress SEQUENCE { network OCTET STRING (SIZE (4)), tsapIdentifier INTEGER (0..65535), ... },
        iPXAddress SEQUENCE { node OCTET STRING (SIZE (6)), netnum OCTET STRING (SIZE (4)), tsapIdentifier OCTET STRING (SIZE (2)), ... },
        iP6Address SEQUENCE { network OCTET STRING (SIZE (16)), tsapIdentifier INTEGER (0..65535), ... },
        netBios OCTET STRING (SIZE (16)),
        iPSourceRouteAddress SEQUENCE {
          routing CHOICE { strict NULL, loose NULL }, network OCTET STRING (SIZE (4)), tsapIdentifier INTEGER (0..65535),
          route SEQUENCE OF OCTET STRING (SIZE (4)), ... },
        ... },
      multicastAddress CHOICE {
        iPAddress SEQUENCE { network OCTET STRING (SIZE (4)), tsapIdentifier INTEGER (0..65535), ... },
        iP6Address SEQUENCE { network OCTET STRING (SIZE (16)), tsapIdentifier INTEGER (0..65535), ... }, ... },
      ... }
    H2250LogicalChannelParameters ::= SEQUENCE {
      nonStandard SEQUENCE OF H245NonStandardParameter OPTIONAL, sessionID INTEGER (0..255), associatedSessionID INTEGER (1..255) OPTIONAL,
      mediaChannel H245TransportAddress OPTIONAL, mediaGuaranteedDelivery BOOLEAN OPTIONAL, mediaControlChannel H245TransportAddress OPTIONAL,
      mediaControlGuaranteedDelivery STOP OPTIONAL, silenceSuppression OPTIONAL, destination OPTIONAL, dynamicRTPPayloadType OPTIONAL,
      mediaPacketization OPTIONAL, ... }

    NetworkAccessParameters ::= SEQUENCE {
      distribution CHOICE { unicast NULL, multicast NULL, ... } OPTIONAL,
      networkAddress CHOICE {
        q2931Address SEQUENCE {
          address CHOICE { internationalNumber NumericString (SIZE (1..16)), nsapAddress OCTET STRING (SIZE (1..20)), ... },
          subaddress OCTET STRING (SIZE (1..20)) OPTIONAL, ... },
        e164Address DialledString (SIZE (1..128)), localAreaAddress H245TransportAddress, ... },
      associateConference BOOLEAN, externalReference OCTET STRING (SIZE (1..255)) OPTIONAL, ..., t120SetupProcedure }

    OpenLogicalChannel ::= SEQUENCE {
      forwardLogicalChannelNumber INTEGER (1..65535),
      forwardLogicalChannelParameters SEQUENCE {
        portNumber INTEGER (0..65535) OPTIONAL, dataType DataType,
        multiplexParameters CHOICE {
          h222LogicalChannelParameters H222LogicalChannelParameters, h223LogicalChannelParameters H223LogicalChannelParameters,
          v76LogicalChannelParameters V76LogicalChannelParameters, ..., h2250LogicalChannelParameters H2250LogicalChannelParameters, none },
        ..., forwardLogicalChannelDependency, replacementFor },
      reverseLogicalChannelParameters SEQUENCE {
        dataType DataType,
        multiplexParameters CHOICE {
          h223LogicalChannelParameters H223LogicalChannelParameters, v76LogicalChannelParameters V76LogicalChannelParameters, ...,
          h2250LogicalChannelParameters H2250LogicalChannelParameters } OPTIONAL,
        ..., reverseLogicalChannelDependency, replacementFor } OPTIONAL,
      ..., separateStack NetworkAccessParameters, encryptionSync STOP }

    """

  private static let controlMessages = """
    OpenLogicalChannelAck ::= SEQUENCE {
      forwardLogicalChannelNumber INTEGER (1..65535),
      reverseLogicalChannelParameters SEQUENCE {
        reverseLogicalChannelNumber INTEGER (1..65535), portNumber INTEGER (0..65535) OPTIONAL,
        multiplexParameters CHOICE {
          h222LogicalChannelParameters H222LogicalChannelParameters, ..., h2250LogicalChannelParameters H2250LogicalChannelParameters } OPTIONAL,
        ..., replacementFor } OPTIONAL,
      ..., separateStack NetworkAccessParameters,
      forwardMultiplexAckParameters CHOICE {
        h2250LogicalChannelAckParameters SEQUENCE {
          nonStandard SEQUENCE OF H245NonStandardParameter OPTIONAL, sessionID INTEGER (1..255) OPTIONAL,
          mediaChannel H245TransportAddress OPTIONAL, mediaControlChannel H245TransportAddress OPTIONAL,
          dynamicRTPPayloadType INTEGER (96..127) OPTIONAL, ..., flowControlToZero, portNumber },
        ... },
      encryptionSync STOP }

    MultimediaSystemControlMessage ::= CHOICE {
      request CHOICE {
        nonStandard STOP, masterSlaveDetermination STOP, terminalCapabilitySet STOP, openLogicalChannel OpenLogicalChannel,
        closeLogicalChannel STOP, requestChannelClose STOP, multiplexEntrySend STOP, requestMultiplexEntry STOP, requestMode STOP,
        roundTripDelayRequest STOP, maintenanceLoopRequest STOP, ..., communicationModeRequest STOP, conferenceRequest STOP,
        multilinkRequest STOP, logicalChannelRateRequest STOP },
      response CHOICE {
        nonStandard STOP, masterSlaveDeterminationAck STOP, masterSlaveDeterminationReject STOP, terminalCapabilitySetAck STOP,
        terminalCapabilitySetReject STOP, openLogicalChannelAck OpenLogicalChannelAck, openLogicalChannelReject STOP,
        closeLogicalChannelAck STOP, requestChannelCloseAck STOP, requestChannelCloseReject STOP, multiplexEntrySendAck STOP,
        multiplexEntrySendReject STOP, requestMultiplexEntryAck STOP, requestMultiplexEntryReject STOP, requestModeAck STOP,
        requestModeReject STOP, roundTripDelayResponse STOP, maintenanceLoopAck STOP, maintenanceLoopReject STOP, ...,
        communicationModeResponse STOP, conferenceResponse STOP, multilinkResponse STOP, logicalChannelRateAcknowledge STOP,
        logicalChannelRateReject STOP },
      command STOP, indication STOP, ... }

    """

  // MARK: Call signalling

  private static let calls = """
    FastStart ::= SEQUENCE OF OCTET STRING (CONTAINING OpenLogicalChannel)
    Setup-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER, h245Address TransportAddress OPTIONAL, sourceAddress SEQUENCE OF AliasAddress OPTIONAL,
      sourceInfo EndpointType, destinationAddress SEQUENCE OF AliasAddress OPTIONAL, destCallSignalAddress TransportAddress OPTIONAL,
      destExtraCallInfo SEQUENCE OF AliasAddress OPTIONAL, destExtraCRV SEQUENCE OF INTEGER (0..65535) OPTIONAL, activeMC BOOLEAN,
      conferenceID OCTET STRING (SIZE (16)), conferenceGoal CHOICE { create NULL, join NULL, invite NULL, ... },
      callServices QseriesOptions OPTIONAL, callType CallType, ..., sourceCallSignalAddress TransportAddress, remoteExtensionAddress,
      callIdentifier, h245SecurityCapability, tokens, cryptoTokens, fastStart FastStart, mediaWaitForConnect, canOverlapSend,
      endpointIdentifier STOP, multipleCalls, maintainConnection, connectionParameters, language, presentationIndicator, screeningIndicator,
      serviceControl, symmetricOperationRequired, capacity, circuitInfo, desiredProtocols, neededFeatures, desiredFeatures,
      supportedFeatures, parallelH245Control, additionalSourceAddresses }
    CallProceeding-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER, destinationInfo EndpointType, h245Address TransportAddress OPTIONAL, ..., callIdentifier,
      h245SecurityMode, tokens, cryptoTokens, fastStart FastStart, multipleCalls, maintainConnection, fastConnectRefused, featureSet }
    Connect-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER, h245Address TransportAddress OPTIONAL, destinationInfo EndpointType,
      conferenceID OCTET STRING (SIZE (16)), ..., callIdentifier, h245SecurityMode, tokens, cryptoTokens, fastStart FastStart,
      multipleCalls, maintainConnection, language, connectedAddress, presentationIndicator, screeningIndicator, fastConnectRefused,
      serviceControl, capacity, featureSet }
    Alerting-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER, destinationInfo EndpointType, h245Address TransportAddress OPTIONAL, ..., callIdentifier,
      h245SecurityMode, tokens, cryptoTokens, fastStart FastStart, multipleCalls, maintainConnection, alertingAddress,
      presentationIndicator, screeningIndicator, fastConnectRefused, serviceControl, capacity, featureSet }
    Information-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER, ..., callIdentifier, tokens, cryptoTokens, fastStart, fastConnectRefused, circuitInfo }
    ReleaseComplete-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER,
      reason CHOICE {
        noBandwidth NULL, gatekeeperResources NULL, unreachableDestination NULL, destinationRejection NULL, invalidRevision NULL,
        noPermission NULL, unreachableGatekeeper NULL, gatewayResources NULL, badFormatAddress NULL, adaptiveBusy NULL, inConf NULL,
        undefinedReason NULL, ... } OPTIONAL,
      ..., callIdentifier, tokens, cryptoTokens, busyAddress, presentationIndicator, screeningIndicator, capacity, serviceControl, featureSet }
    Facility-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER, alternativeAddress TransportAddress OPTIONAL,
      alternativeAliasAddress SEQUENCE OF AliasAddress OPTIONAL, conferenceID OCTET STRING (SIZE (16)) OPTIONAL,
      reason CHOICE { routeCallToGatekeeper NULL, callForwarded NULL, routeCallToMC NULL, undefinedReason NULL, ... },
      ..., callIdentifier, destExtraCallInfo, remoteExtensionAddress, tokens, cryptoTokens, conferences, h245Address TransportAddress,
      fastStart FastStart, multipleCalls, maintainConnection, fastConnectRefused, serviceControl, circuitInfo, featureSet, destinationInfo,
      h245SecurityMode }
    Progress-UUIE ::= SEQUENCE {
      protocolIdentifier OBJECT IDENTIFIER, destinationInfo EndpointType, h245Address TransportAddress OPTIONAL,
      callIdentifier CallIdentifier, h245SecurityMode H245Security OPTIONAL, tokens SEQUENCE OF ClearToken OPTIONAL,
      cryptoTokens SEQUENCE OF CryptoH323Token OPTIONAL, fastStart FastStart OPTIONAL, ..., multipleCalls, maintainConnection,
      fastConnectRefused }
    H323-UserInformation ::= SEQUENCE {
      h323-uu-pdu SEQUENCE {
        h323-message-body CHOICE {
          setup Setup-UUIE, callProceeding CallProceeding-UUIE, connect Connect-UUIE, alerting Alerting-UUIE, information Information-UUIE,
          releaseComplete ReleaseComplete-UUIE, facility Facility-UUIE, ..., progress Progress-UUIE },
        nonStandardData NonStandardParameter OPTIONAL,
        ..., h4501SupplementaryService, h245Tunnelling,
        h245Control SEQUENCE OF OCTET STRING (CONTAINING MultimediaSystemControlMessage),
        nonStandardControl STOP, callLinkage, tunnelledSignallingMessage, provisionalRespToH245Tunnelling, stimulusControl, genericData },
      user-data STOP OPTIONAL, ... }

    """

  // MARK: Registration, admission and status

  private static let registration = """
    RasMessage ::= CHOICE {
      gatekeeperRequest SEQUENCE {
        requestSeqNum INTEGER (1..65535), protocolIdentifier OBJECT IDENTIFIER, nonStandardData NonStandardParameter OPTIONAL,
        rasAddress TransportAddress, endpointType STOP, gatekeeperIdentifier OPTIONAL, callServices OPTIONAL, endpointAlias OPTIONAL, ... },
      gatekeeperConfirm SEQUENCE {
        requestSeqNum INTEGER (1..65535), protocolIdentifier OBJECT IDENTIFIER, nonStandardData NonStandardParameter OPTIONAL,
        gatekeeperIdentifier BMPString (SIZE (1..128)) OPTIONAL, rasAddress TransportAddress, ..., alternateGatekeeper STOP },
      gatekeeperReject STOP,
      registrationRequest SEQUENCE {
        requestSeqNum INTEGER (1..65535), protocolIdentifier OBJECT IDENTIFIER, nonStandardData NonStandardParameter OPTIONAL,
        discoveryComplete BOOLEAN, callSignalAddress SEQUENCE OF TransportAddress, rasAddress SEQUENCE OF TransportAddress,
        terminalType EndpointType, terminalAlias SEQUENCE OF AliasAddress OPTIONAL, gatekeeperIdentifier BMPString (SIZE (1..128)) OPTIONAL,
        endpointVendor SEQUENCE {
          vendor H221NonStandard, productId OCTET STRING (SIZE (1..256)) OPTIONAL, versionId OCTET STRING (SIZE (1..256)) OPTIONAL, ... },
        ..., alternateEndpoints, timeToLive INTEGER (1..4294967295), tokens STOP },
      registrationConfirm SEQUENCE {
        requestSeqNum INTEGER (1..65535), protocolIdentifier OBJECT IDENTIFIER, nonStandardData NonStandardParameter OPTIONAL,
        callSignalAddress SEQUENCE OF TransportAddress, terminalAlias SEQUENCE OF AliasAddress OPTIONAL,
        gatekeeperIdentifier BMPString (SIZE (1..128)) OPTIONAL, endpointIdentifier BMPString (SIZE (1..128)), ..., alternateGatekeeper,
        timeToLive INTEGER (1..4294967295), tokens STOP },
      registrationReject STOP,
      unregistrationRequest SEQUENCE {
        requestSeqNum INTEGER (1..65535), callSignalAddress SEQUENCE OF TransportAddress, endpointAlias STOP OPTIONAL,
        nonStandardData OPTIONAL, endpointIdentifier OPTIONAL, ... },
      unregistrationConfirm STOP, unregistrationReject STOP,
      admissionRequest SEQUENCE {
        requestSeqNum INTEGER (1..65535), callType CallType, callModel CallModel OPTIONAL, endpointIdentifier BMPString (SIZE (1..128)),
        destinationInfo SEQUENCE OF AliasAddress OPTIONAL, destCallSignalAddress TransportAddress OPTIONAL,
        destExtraCallInfo SEQUENCE OF AliasAddress OPTIONAL, srcInfo SEQUENCE OF AliasAddress, srcCallSignalAddress TransportAddress OPTIONAL,
        bandWidth STOP, callReferenceValue, nonStandardData OPTIONAL, callServices OPTIONAL, conferenceID, activeMC, answerCall, ... },
      admissionConfirm SEQUENCE {
        requestSeqNum INTEGER (1..65535), bandWidth INTEGER (0..4294967295), callModel CallModel, destCallSignalAddress TransportAddress,
        irrFrequency STOP OPTIONAL, nonStandardData OPTIONAL, ... },
      admissionReject STOP, bandwidthRequest STOP, bandwidthConfirm STOP, bandwidthReject STOP, disengageRequest STOP,
      disengageConfirm STOP, disengageReject STOP,
      locationRequest SEQUENCE {
        requestSeqNum INTEGER (1..65535), endpointIdentifier BMPString (SIZE (1..128)) OPTIONAL, destinationInfo SEQUENCE OF AliasAddress,
        nonStandardData NonStandardParameter OPTIONAL, replyAddress TransportAddress, ..., sourceInfo STOP },
      locationConfirm SEQUENCE {
        requestSeqNum INTEGER (1..65535), callSignalAddress TransportAddress, rasAddress TransportAddress, nonStandardData STOP OPTIONAL, ... },
      locationReject STOP, infoRequest STOP,
      infoRequestResponse SEQUENCE {
        nonStandardData NonStandardParameter OPTIONAL, requestSeqNum INTEGER (1..65535), endpointType EndpointType,
        endpointIdentifier BMPString (SIZE (1..128)), rasAddress TransportAddress, callSignalAddress SEQUENCE OF TransportAddress,
        endpointAlias STOP OPTIONAL, perCallInfo OPTIONAL, ... },
      nonStandardMessage STOP, ..., unknownMessageResponse STOP, requestInProgress STOP, resourcesAvailableIndicate STOP,
      resourcesAvailableConfirm STOP, infoRequestAck STOP, infoRequestNak STOP, serviceControlIndication STOP, serviceControlResponse STOP }
    """
}
