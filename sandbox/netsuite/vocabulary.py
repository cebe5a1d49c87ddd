"""The part of SuiteTalk SOAP 2023_2 the stand-in speaks, in the notation `contract` reads.

A line is one type or one global element of the namespace it stands under:

    invoiceOpen = string            a simple type; after the base, `/pattern/` or the allowed values
    Signature = string @a!:string   a text with attributes
    Invoice < Record entity:RecordRef itemList:InvoiceItemList @internalId:string
    abstract BaseRef name:string
    element status:Status

A field is `name:Type`; `!` after the name makes it required, `*` any number, `+` one or more,
`@` before it an attribute, `&name` an element declared elsewhere. Names, types and the order of
fields are the vendor's (SuiteTalk schema browser, 2023_2), because clients send them in that order.
Fields the stand-in has no meaning for are left out: sending one is answered with a fault, never
ignored in silence.

Tax is NetSuite's legacy tax, line by line: `tax1Amt` (and `taxRate1`) of a sublist line is the tax,
the header's `taxTotal` its sum. SuiteTax's `taxDetailsList` is not spoken.
"""

SCHEMAS: dict[str, str] = {}
"""Lines by schema, e.g. "platform/core"."""

SCHEMAS["platform/coreTypes"] = """
RecordType = string
SearchBooleanFieldOperator = string
SearchStringFieldOperator = string is isNot startsWith contains empty notEmpty
SearchTextNumberFieldOperator = string equalTo notEqualTo
SearchMultiSelectFieldOperator = string anyOf noneOf
SearchEnumMultiSelectFieldOperator = string anyOf noneOf
SearchDateFieldOperator = string on after before onOrAfter onOrBefore within
"""

SCHEMAS["platform/faultsTypes"] = """
StatusDetailType = string ERROR WARN INFO
StatusDetailCodeType = string
FaultCodeType = string
"""

SCHEMAS["platform/commonTypes"] = """
Country = string /_[A-Za-z]+/
"""

SCHEMAS["platform/core"] = """
TokenPassportSignature = string @algorithm!:string
TokenPassport account!:string consumerKey!:string token!:string nonce!:string timestamp!:long \
signature!:TokenPassportSignature
StatusDetail code:StatusDetailCodeType message:string @type:StatusDetailType
Status statusDetail*:StatusDetail @isSuccess:boolean
element status:Status
NullField name*:string
abstract Record nullFieldList:NullField
abstract SearchRecord
abstract SearchRecordBasic < SearchRecord
abstract BaseRef name:string
RecordRef < BaseRef @internalId:string @externalId:string @type:RecordType
RecordList record*:Record
element recordList:RecordList
SearchResult &status! totalRecords:int pageSize:int totalPages:int pageIndex:int searchId:string \
&recordList
element searchResult:SearchResult
ListOrRecordRef name:string @internalId:string @externalId:string @typeId:string
abstract CustomFieldRef @internalId:string @scriptId:string
LongCustomFieldRef < CustomFieldRef value!:long
DoubleCustomFieldRef < CustomFieldRef value!:double
BooleanCustomFieldRef < CustomFieldRef value!:boolean
StringCustomFieldRef < CustomFieldRef value!:string
DateCustomFieldRef < CustomFieldRef value!:dateTime
SelectCustomFieldRef < CustomFieldRef value!:ListOrRecordRef
CustomFieldList customField*:CustomFieldRef
SearchBooleanField searchValue:boolean
SearchStringField searchValue:string @operator:SearchStringFieldOperator
SearchTextNumberField searchValue:string searchValue2:string @operator:SearchTextNumberFieldOperator
SearchDateField searchValue:dateTime searchValue2:dateTime @operator:SearchDateFieldOperator
SearchEnumMultiSelectField searchValue*:string @operator:SearchEnumMultiSelectFieldOperator
SearchMultiSelectField searchValue*:RecordRef @operator:SearchMultiSelectFieldOperator
DataCenterUrls restDomain!:string webservicesDomain!:string systemDomain!:string
GetDataCenterUrlsResult &status! dataCenterUrls:DataCenterUrls
element getDataCenterUrlsResult:GetDataCenterUrlsResult
GetServerTimeResult &status! serverTime!:dateTime
element getServerTimeResult:GetServerTimeResult
DeletionReason deletionReasonCode:RecordRef deletionReasonMemo:string
"""

FAULT_NAMES = (
    "InsufficientPermissionFault",
    "InvalidSessionFault",
    "InvalidCredentialsFault",
    "ExceededConcurrentRequestLimitFault",
    "ExceededRequestLimitFault",
    "ExceededUsageLimitFault",
    "ExceededRecordCountFault",
    "ExceededRequestSizeFault",
    "UnexpectedErrorFault",
)

SCHEMAS["platform/faults"] = "SoapFault code!:FaultCodeType message!:string\n" + "\n".join(
    f"{name} < SoapFault\nelement {name[0].lower()}{name[1:]}:{name}" for name in FAULT_NAMES
)

SCHEMAS["platform/messages"] = """
ApplicationInfo applicationId!:string
element applicationInfo:ApplicationInfo
PartnerInfo partnerId:string
element partnerInfo:PartnerInfo
DocumentInfo nsId!:string
element documentInfo:DocumentInfo
Preferences warningAsError:boolean disableMandatoryCustomFieldValidation:boolean \
disableSystemNotesForCustomFields:boolean ignoreReadOnlyFields:boolean \
runServerSuiteScriptAndTriggerWorkflows:boolean
element preferences:Preferences
SearchPreferences bodyFieldsOnly:boolean returnSearchColumns:boolean pageSize:int
element searchPreferences:SearchPreferences
element tokenPassport:TokenPassport
WriteResponse &status! baseRef:BaseRef
element writeResponse:WriteResponse
ReadResponse &status! record:Record
element readResponse:ReadResponse
WriteResponseList &status writeResponse+:WriteResponse
element writeResponseList:WriteResponseList
ReadResponseList &status readResponse*:ReadResponse
element readResponseList:ReadResponseList
AddResponse &writeResponse!
element addResponse:AddResponse
AddListResponse &writeResponseList!
element addListResponse:AddListResponse
UpsertResponse &writeResponse!
element upsertResponse:UpsertResponse
UpsertListResponse &writeResponseList!
element upsertListResponse:UpsertListResponse
DeleteResponse &writeResponse!
element deleteResponse:DeleteResponse
SearchResponse &searchResult!
element searchResponse:SearchResponse
SearchMoreWithIdResponse &searchResult!
element searchMoreWithIdResponse:SearchMoreWithIdResponse
GetResponse &readResponse!
element getResponse:GetResponse
GetListResponse &readResponseList!
element getListResponse:GetListResponse
GetDataCenterUrlsResponse &getDataCenterUrlsResult!
element getDataCenterUrlsResponse:GetDataCenterUrlsResponse
GetServerTimeResponse &getServerTimeResult!
element getServerTimeResponse:GetServerTimeResponse
AddRequest record!:Record
element add:AddRequest
DeleteRequest baseRef!:BaseRef deletionReason:DeletionReason
element delete:DeleteRequest
SearchRequest searchRecord!:SearchRecord
element search:SearchRequest
SearchMoreWithIdRequest searchId!:string pageIndex!:int
element searchMoreWithId:SearchMoreWithIdRequest
UpsertRequest record!:Record
element upsert:UpsertRequest
AddListRequest record+:Record
element addList:AddListRequest
UpsertListRequest record+:Record
element upsertList:UpsertListRequest
GetRequest baseRef!:BaseRef
element get:GetRequest
GetListRequest baseRef+:BaseRef
element getList:GetListRequest
GetDataCenterUrlsRequest account!:string
element getDataCenterUrls:GetDataCenterUrlsRequest
GetServerTimeRequest
element getServerTime:GetServerTimeRequest
"""

SCHEMAS["platform/common"] = """
Address < Record internalId:string country:Country attention:string addressee:string \
addrPhone:string addr1:string addr2:string addr3:string city:string state:string zip:string \
addrText:string override:boolean
CustomerSearchBasic < SearchRecordBasic companyName:SearchStringField email:SearchStringField \
entityId:SearchStringField externalId:SearchMultiSelectField \
externalIdString:SearchStringField internalId:SearchMultiSelectField \
isInactive:SearchBooleanField lastModifiedDate:SearchDateField subsidiary:SearchMultiSelectField
TransactionSearchBasic < SearchRecordBasic currency:SearchMultiSelectField \
entity:SearchMultiSelectField externalId:SearchMultiSelectField \
externalIdString:SearchStringField internalId:SearchMultiSelectField \
lastModifiedDate:SearchDateField mainLine:SearchBooleanField memo:SearchStringField \
otherRefNum:SearchTextNumberField subsidiary:SearchMultiSelectField tranDate:SearchDateField \
tranId:SearchStringField type:SearchEnumMultiSelectField
"""

SCHEMAS["lists/relationships"] = """
CustomerAddressbook defaultShipping:boolean defaultBilling:boolean isResidential:boolean \
label:string addressbookAddress:Address internalId:string
CustomerAddressbookList addressbook*:CustomerAddressbook @replaceAll:boolean
CustomerCurrency currency:RecordRef
CustomerCurrencyList currency*:CustomerCurrency @replaceAll:boolean
Customer < Record entityId:string isPerson:boolean firstName:string lastName:string \
companyName:string phone:string email:string isInactive:boolean comments:string \
dateCreated:dateTime subsidiary:RecordRef vatRegNumber:string accountNumber:string \
taxExempt:boolean terms:RecordRef creditLimit:double currency:RecordRef \
receivablesAccount:RecordRef lastModifiedDate:dateTime addressbookList:CustomerAddressbookList \
currencyList:CustomerCurrencyList customFieldList:CustomFieldList @internalId:string \
@externalId:string
CustomerSearch < SearchRecord basic:CustomerSearchBasic
"""

SCHEMAS["transactions/sales"] = """
SalesOrder < Record createdDate:dateTime entity:RecordRef currency:RecordRef tranDate:dateTime \
tranId:string startDate:dateTime endDate:dateTime otherRefNum:string memo:string \
currencyName:string subTotal:double taxTotal:double total:double subsidiary:RecordRef \
lastModifiedDate:dateTime status:string customFieldList:CustomFieldList @internalId:string \
@externalId:string
InvoiceItem item:RecordRef line:long description:string amount:double quantity:double rate:string \
revRecStartDate:dateTime revRecEndDate:dateTime grossAmt:double tax1Amt:double taxRate1:double \
customFieldList:CustomFieldList
InvoiceItemList item*:InvoiceItem @replaceAll:boolean
Invoice < Record createdDate:dateTime lastModifiedDate:dateTime entity:RecordRef \
tranDate:dateTime tranId:string createdFrom:RecordRef terms:RecordRef subsidiary:RecordRef \
currency:RecordRef dueDate:dateTime startDate:dateTime endDate:dateTime otherRefNum:string \
memo:string amountPaid:double amountRemaining:double account:RecordRef exchangeRate:double \
currencyName:string toBeEmailed:boolean billingAddress:Address subTotal:double taxTotal:double \
total:double status:string email:string vatRegNum:string itemList:InvoiceItemList \
customFieldList:CustomFieldList @internalId:string @externalId:string
TransactionSearch < SearchRecord basic:TransactionSearchBasic
"""

SCHEMAS["transactions/customers"] = """
CustomerPaymentApply apply:boolean doc:long line:long refNum:string amount:double
CustomerPaymentApplyList apply*:CustomerPaymentApply @replaceAll:boolean
CustomerPayment < Record createdDate:dateTime lastModifiedDate:dateTime arAcct:RecordRef \
customer:RecordRef currency:RecordRef payment:double tranDate:dateTime tranId:string memo:string \
checkNum:string currencyName:string exchangeRate:double pnRefNum:string undepFunds:boolean \
account:RecordRef total:double subsidiary:RecordRef applied:double unapplied:double status:string \
applyList:CustomerPaymentApplyList customFieldList:CustomFieldList @internalId:string \
@externalId:string
CreditMemoItem item:RecordRef line:long quantity:double description:string rate:string \
amount:double taxRate1:double tax1Amt:double grossAmt:double revRecStartDate:dateTime \
revRecEndDate:dateTime customFieldList:CustomFieldList
CreditMemoItemList item*:CreditMemoItem @replaceAll:boolean
CreditMemoApply apply:boolean doc:long refNum:string amount:double line:long
CreditMemoApplyList apply*:CreditMemoApply @replaceAll:boolean
CreditMemo < Record createdDate:dateTime lastModifiedDate:dateTime currency:RecordRef \
entity:RecordRef tranDate:dateTime tranId:string createdFrom:RecordRef subsidiary:RecordRef \
otherRefNum:string memo:string account:RecordRef exchangeRate:double currencyName:string \
amountRemaining:double unapplied:double applied:double toBeEmailed:boolean email:string \
billingAddress:Address subTotal:double taxTotal:double total:double status:string \
itemList:CreditMemoItemList applyList:CreditMemoApplyList customFieldList:CustomFieldList \
@internalId:string @externalId:string
"""

SCHEMAS["transactions/general"] = """
JournalEntryLine account:RecordRef line:long debit:double credit:double memo:string \
entity:RecordRef customFieldList:CustomFieldList
JournalEntryLineList line*:JournalEntryLine @replaceAll:boolean
JournalEntry < Record tranDate:dateTime currency:RecordRef exchangeRate:double tranId:string \
subsidiary:RecordRef memo:string approved:boolean createdDate:dateTime lastModifiedDate:dateTime \
lineList:JournalEntryLineList customFieldList:CustomFieldList @internalId:string \
@externalId:string
"""
